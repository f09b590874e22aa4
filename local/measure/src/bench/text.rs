//! A run as tables.

use std::fmt::Write;

use super::cases::FLOOR;
use super::columns::{COLUMNS, Column};
use super::report::Report;
use super::verdict::goals;
use crate::goal::{headline, lines};

/// Changes below this are the machine's.
const WORTH_TELLING_PERCENT: f64 = 2.0;

/// The figures, and below them how many times the floor they are, how they have changed, how they stand to Node's, and
/// which goals hold.
pub(super) fn of(report: &Report, previous: Option<&Report>) -> String {
    let mut text = String::new();
    let figures = report.cases.iter().map(|case| {
        let cells = COLUMNS.iter().map(|column| column.text(&case.figures));
        std::iter::once(case.name.clone()).chain(cells).collect()
    });
    push(&mut text, "", headings(), figures.collect());
    push(&mut text, "\n  Times the empty handler:\n\n", headings(), times_the_floor(report));
    if let Some(previous) = previous {
        let heading = format!("\n  Since {} ({}; {}):\n\n", previous.date, previous.note, previous.machine);
        push(&mut text, &heading, headings(), changes(report, previous));
    }
    if let Some(version) = &report.node {
        let heading = format!("\n  Beside Node.js {version}, and how many times less ours is:\n\n");
        push(&mut text, &heading, headings_beside_node(), beside_node(report));
    }
    text.push_str(&legend());
    let notes = [report.cut_short(), report.left_out()].into_iter().flatten();
    text.extend(notes.map(|note| format!("\n  {note}\n")));
    text.push_str(&verdict(report));
    text
}

type Row = Vec<String>;

fn headings() -> Row {
    COLUMNS.iter().map(|column| column.short.to_owned()).collect()
}

fn times_the_floor(report: &Report) -> Vec<Row> {
    let floor = report.case(FLOOR.name);
    let others = report.cases.iter().filter(|case| case.name != FLOOR.name);
    let row = others.map(|case| {
        let cells = COLUMNS.iter().map(|column| {
            column.times_the_floor(case, floor).map_or_else(String::new, |times| format!("{times:.2}"))
        });
        std::iter::once(case.name.clone()).chain(cells).collect()
    });
    row.collect()
}

fn changes(report: &Report, previous: &Report) -> Vec<Row> {
    let row = report.cases.iter().map(|case| {
        let before = previous.case(&case.name);
        let cells = COLUMNS.iter().map(|column| match column.change(&case.figures, before) {
            Some(change) if change.abs() >= WORTH_TELLING_PERCENT => format!("{change:+.0} %"),
            _ => String::new(),
        });
        std::iter::once(case.name.clone()).chain(cells).collect()
    });
    row.collect()
}

fn columns_beside_node() -> impl Iterator<Item = &'static Column> {
    COLUMNS.iter().filter(|column| column.beside_node)
}

fn headings_beside_node() -> Row {
    let heading = |column: &Column| [format!("Node {}", column.short), "ours".to_owned(), "×".to_owned()];
    columns_beside_node().flat_map(heading).collect()
}

fn beside_node(report: &Report) -> Vec<Row> {
    let row = report.beside_node().map(|(case, node)| {
        let cells = columns_beside_node().flat_map(|column| {
            let times = column.times_less(case).map_or_else(String::new, |times| format!("{times:.1}"));
            [column.text(node), column.text(&case.figures), times]
        });
        std::iter::once(case.name.clone()).chain(cells).collect()
    });
    row.collect()
}

fn verdict(report: &Report) -> String {
    let goals = goals(report);
    format!("\n  In short: {}.\n\n{}", headline(&goals), lines(&goals))
}

/// What the headings stand for.
fn legend() -> String {
    let width = COLUMNS.iter().map(|column| column.short.chars().count()).max().unwrap_or_default();
    let lines = COLUMNS.iter().map(|column| format!("    {:<width$}  {}\n", column.short, column.title));
    format!(
        "\n  A row is one request to an endpoint; the empty handler does nothing and is what Lambda's runtime costs. Counts\n  \
         and instructions are the same on every run; times depend on what else the machine does. The columns:\n\n{}",
        lines.collect::<String>()
    )
}

fn push(text: &mut String, title: &str, headings: Row, mut rows: Vec<Row>) {
    let columns = headings.len();
    rows.insert(0, std::iter::once(String::new()).chain(headings).collect());
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<_> = (0..=columns).map(width).collect();
    text.push_str(title);
    for row in &rows {
        let (name, cells) = row.split_first().map_or(("", &[][..]), |(name, cells)| (name.as_str(), cells));
        // Writing to a string cannot fail.
        let _ = write!(text, "  {name:<0$}", widths[0]);
        for (cell, width) in cells.iter().zip(&widths[1..]) {
            let _ = write!(text, "  {cell:>width$}");
        }
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::{figures, measured, report};
    use super::*;

    #[test]
    fn nodes_figures_stand_beside_ours_with_how_many_times_less_ours_are() {
        let cases = vec![measured("order", figures(150.0), Some(figures(630.0)))];
        let report = Report { node: Some("v22.11.0".to_owned()), ..report(cases) };
        let text = of(&report, None);
        let table = text.split("Beside Node.js v22.11.0").nth(1).expect("a table");
        let row = table.lines().find(|line| line.starts_with("  order ")).expect("a row");
        let cells: Vec<_> = row.split_whitespace().collect();
        assert_eq!(cells[..6], ["order", "–", "–", "630", "150", "4.2"]);
    }

    #[test]
    fn a_run_without_node_has_no_such_table() {
        assert!(!of(&report(vec![measured("order", figures(150.0), None)]), None).contains("Beside Node.js"));
    }
}
