//! A run as a page: goals and plots, in one file that needs no other.

use std::fmt::Write;

use super::cases::FLOOR;
use super::columns::{COLUMNS, Column};
use super::report::Report;
use super::verdict::goals;
use crate::goal::{Goal, headline};
use cloud::figures::escape;
use stats::chart::{Bar, Bars, STYLE};

/// The whole page.
pub(super) fn of(report: &Report, previous: Option<&Report>) -> String {
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Millrace: benchmark of {date}</title>\n\
         <style>{STYLE}</style>\n<h1>What a request costs</h1>\n<p>{note}<br>{date}, {machine}: \
         <code>{command}</code></p>\n<p class=\"soft\">Each bar is one endpoint; the dashed line is a handler that does \
         nothing. Counts and instructions are the same on every run; times depend on what else the machine does.",
        date = escape(&report.date),
        note = escape(&report.note),
        machine = escape(&report.machine),
        command = escape(&report.command),
    );
    if let Some(previous) = previous {
        let (date, note) = (escape(&previous.date), escape(&previous.note));
        let _ = write!(page, " Each stands below its own of {date} ({note}).");
    }
    let notes = [report.cut_short(), report.left_out()].into_iter().flatten();
    page.extend(notes.map(|note| format!(" {}", escape(&note))));
    page.push_str("</p>\n");
    verdict(&mut page, report);
    if let Some(version) = &report.node {
        beside_node(&mut page, report, version);
    }
    page.push_str("<h2>All figures</h2>\n");
    for column in COLUMNS {
        let floor = report.case(FLOOR.name).map(|floor| (column.of)(floor));
        let bars = since(column, report, previous);
        page += &plot(column, ["this run", "the run before"], bars, floor);
    }
    page.push_str("</html>\n");
    page
}

fn verdict(page: &mut String, report: &Report) {
    let goals = goals(report);
    let _ = write!(page, "<h2>The goals</h2>\n<p>In short: {}.</p>\n<ul>\n", headline(&goals));
    for Goal { promise, seen, outcome } in goals {
        let (mark, promise, seen) = (outcome.mark(), escape(&promise), escape(&seen));
        let _ = writeln!(page, "<li>{mark} {promise}: {seen}</li>");
    }
    page.push_str("</ul>\n");
}

fn beside_node(page: &mut String, report: &Report, version: &str) {
    let _ = write!(
        page,
        "<h2>Beside Node.js</h2>\n<p class=\"soft\">The same endpoints as functions in Node.js {}, of the same run: \
         the same events, database, Redis and provider. The words say how many times less ours is.</p>\n",
        escape(version)
    );
    for column in COLUMNS.iter().filter(|column| column.beside_node) {
        let bars = report.beside_node().map(|(case, node)| {
            let ours = &case.figures;
            let times =
                column.times_less(case).map_or_else(String::new, |times| format!("{times:.1} × less"));
            Bar {
                name: case.name.clone(),
                value: (column.of)(ours),
                other: Some((column.of)(node)),
                words: format!("{} to {}: {times}", column.text(node), column.text(ours)),
                change: None,
            }
        });
        *page += &plot(column, ["ours", "Node.js"], bars.collect(), None);
    }
}

/// The figures of a column, beside those of the run before.
fn since(column: &Column, report: &Report, previous: Option<&Report>) -> Vec<Bar> {
    let bars = report.cases.iter().map(|case| {
        let before = previous.and_then(|previous| previous.case(&case.name));
        let change = column.change(&case.figures, before);
        Bar {
            name: case.name.clone(),
            value: (column.of)(&case.figures),
            other: before.map(|before| (column.of)(before)),
            words: column.text(&case.figures),
            change: change.map(|change| (format!("{change:+.0} %"), change <= 0.0)),
        }
    });
    bars.collect()
}

fn plot(column: &Column, names: [&str; 2], bars: Vec<Bar>, mark: Option<f64>) -> String {
    Bars { title: column.title, unit: column.unit, names, mark, bars }.svg() + "\n"
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::{figures, measured, report};
    use super::*;

    fn run(note: &str, cpu_us: f64, node: Option<f64>) -> Report {
        let cases = vec![
            measured(FLOOR.name, figures(90.0), None),
            measured("a <b>", figures(cpu_us), node.map(figures)),
        ];
        Report { note: note.to_owned(), node: node.map(|_| "v22.11.0".to_owned()), ..report(cases) }
    }

    #[test]
    fn a_page_needs_no_other_file_and_shows_every_case() {
        let page = of(&run("now", 120.0, None), Some(&run("before & after", 100.0, None)));
        assert!(
            page.contains("a &lt;b&gt;") && page.contains("before &amp; after") && page.contains("+20 %")
        );
        assert!(!page.contains("Beside Node.js"));
        for outside in ["http://", "https://", "<script", "<link", "src="] {
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    fn a_page_shows_node_beside_ours_and_which_goals_hold() {
        let page = of(&run("now", 120.0, Some(600.0)), None);
        assert!(page.contains("Beside Node.js") && page.contains("Node.js v22.11.0"));
        assert!(page.contains("600 to 120: 5.0 × less"));
        assert!(page.contains("In short: every goal holds."));
    }
}
