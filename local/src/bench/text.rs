//! A run as tables.

use std::fmt::Write;

use super::cases::FLOOR;
use super::columns::COLUMNS;
use super::report::Report;

/// Changes below this are the machine's.
const WORTH_TELLING_PERCENT: f64 = 2.0;

/// The figures, and below them how many times the floor they are and how they have changed.
pub(super) fn of(report: &Report, previous: Option<&Report>) -> String {
    let mut text = String::new();
    let figures = report.cases.iter().map(|case| {
        let cells = COLUMNS.iter().map(|column| column.text(&case.figures));
        std::iter::once(case.name.clone()).chain(cells).collect()
    });
    push(&mut text, "", figures.collect());
    let floor = report.case(FLOOR.name);
    let times = report.cases.iter().filter(|case| case.name != FLOOR.name).map(|case| {
        let cells = COLUMNS.iter().map(|column| match floor.map(|floor| (column.of)(floor)) {
            Some(floor) if column.compared && floor > 0.0 => {
                format!("{:.2}", (column.of)(&case.figures) / floor)
            }
            _ => String::new(),
        });
        std::iter::once(case.name.clone()).chain(cells).collect()
    });
    push(&mut text, "\n  Times the empty handler:\n\n", times.collect());
    if let Some(previous) = previous {
        let changes = report.cases.iter().map(|case| {
            let cells =
                COLUMNS.iter().map(|column| match column.change(&case.figures, previous.case(&case.name)) {
                    Some(change) if change.abs() >= WORTH_TELLING_PERCENT => format!("{change:+.0} %"),
                    _ => String::new(),
                });
            std::iter::once(case.name.clone()).chain(cells).collect()
        });
        let heading = format!("\n  Since {} ({}; {}):\n\n", previous.date, previous.note, previous.machine);
        push(&mut text, &heading, changes.collect());
    }
    text.push_str(&legend());
    text
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

fn push(text: &mut String, heading: &str, mut rows: Vec<Vec<String>>) {
    let headings = COLUMNS.iter().map(|column| column.short.to_owned());
    rows.insert(0, std::iter::once(String::new()).chain(headings).collect());
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<_> = (0..=COLUMNS.len()).map(width).collect();
    text.push_str(heading);
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
