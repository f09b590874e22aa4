//! A run as a page: plots, drawn by hand, in one file that needs no other.

use std::fmt::Write;

use super::cases::FLOOR;
use super::columns::{COLUMNS, Column};
use super::report::Report;
use super::verdict::goals;
use crate::goal::{Goal, headline};
use cloud::figures::escape;

const NAME_WIDTH: f64 = 190.0;
const BAR_WIDTH: f64 = 430.0;
/// To the right of the bars.
const WORDS_WIDTH: f64 = 170.0;
const ROW: f64 = 24.0;

const STYLE: &str = "
body { font: 15px/1.5 system-ui, sans-serif; max-width: 58rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
h1 { font-size: 1.5rem } h2 { font-size: 1.2rem; margin: 2.5rem 0 .3rem } h3 { font-size: 1rem; margin: 1.5rem 0 .3rem }
.note { color: #555 } .goals { list-style: none; padding: 0 }
svg { display: block; width: 100%; height: auto; font-size: 12px } .now { fill: #2a6f97 } .before { fill: #c9d6df }
.node { fill: #8a9a5b }
.floor { stroke: #b5651d; stroke-dasharray: 4 3 } .worse { fill: #a4161a } .better { fill: #2d6a4f }
@media (prefers-color-scheme: dark) {
  body { background: #16181a; color: #ddd } .note { color: #aaa } svg text { fill: #ddd } .before { fill: #45525c }
  .now { fill: #61a5c2 } svg .worse { fill: #ff7b72 } svg .better { fill: #7ee787 }
}";

/// The whole page.
pub(super) fn of(report: &Report, previous: Option<&Report>) -> String {
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Millrace: benchmark of {date}</title>\n\
         <style>{STYLE}</style>\n<h1>What a request costs</h1>\n<p>{note}<br>{date}, {machine}: \
         <code>{command}</code></p>\n<p class=\"note\">Each bar is one endpoint; the dashed line is a handler that does \
         nothing. Counts and instructions are the same on every run; times depend on what else the machine does.",
        date = escape(&report.date),
        note = escape(&report.note),
        machine = escape(&report.machine),
        command = escape(&report.command),
    );
    if let Some(previous) = previous {
        let (date, note) = (escape(&previous.date), escape(&previous.note));
        let _ = write!(page, " The pale bars are the run of {date} ({note}).");
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
        plot(&mut page, column, &since(column, report, previous), floor);
    }
    page.push_str("</html>\n");
    page
}

fn verdict(page: &mut String, report: &Report) {
    let goals = goals(report);
    let _ =
        write!(page, "<h2>The goals</h2>\n<p>In short: {}.</p>\n<ul class=\"goals\">\n", headline(&goals));
    for Goal { promise, seen, outcome } in goals {
        let (mark, promise, seen) = (outcome.mark(), escape(&promise), escape(&seen));
        let _ = writeln!(page, "<li>{mark} {promise}: {seen}</li>");
    }
    page.push_str("</ul>\n");
}

fn beside_node(page: &mut String, report: &Report, version: &str) {
    let _ = write!(
        page,
        "<h2>Beside Node.js</h2>\n<p class=\"note\">The same endpoints as functions in Node.js {}, of the same run:          the same events, database, Redis and provider. The upper bar of a pair is Node's, the lower one ours, and the words          say how many times less ours is.</p>\n",
        escape(version)
    );
    for column in COLUMNS.iter().filter(|column| column.beside_node) {
        let bars = report.beside_node().map(|(case, node)| {
            let ours = &case.figures;
            let times =
                column.times_less(case).map_or_else(String::new, |times| format!("{times:.1} × less"));
            let words = format!("{} to {}: {times}", column.text(node), column.text(ours));
            let other = Some(("node", (column.of)(node)));
            Bars { name: case.name.clone(), other, now: (column.of)(ours), words }
        });
        plot(page, column, &bars.collect::<Vec<_>>(), None);
    }
}

/// The figures of a column, beside those of the run before.
fn since(column: &Column, report: &Report, previous: Option<&Report>) -> Vec<Bars> {
    let bars = report.cases.iter().map(|case| {
        let before = previous.and_then(|previous| previous.case(&case.name));
        let change = column.change(&case.figures, before).map_or_else(String::new, |change| {
            let class = if change > 0.0 { "worse" } else { "better" };
            format!(" <tspan class=\"{class}\">{change:+.0} %</tspan>")
        });
        Bars {
            name: case.name.clone(),
            other: before.map(|before| ("before", (column.of)(before))),
            now: (column.of)(&case.figures),
            words: column.text(&case.figures) + &change,
        }
    });
    bars.collect()
}

/// A line of a plot.
struct Bars {
    name: String,
    /// What is compared with, drawn above, and its class.
    other: Option<(&'static str, f64)>,
    now: f64,
    /// HTML, to the right of the bars.
    words: String,
}

fn plot(page: &mut String, column: &Column, lines: &[Bars], floor: Option<f64>) {
    let values = lines.iter().flat_map(|line| [line.now, line.other.map_or(0.0, |(_, value)| value)]);
    let most = values.fold(0.0, f64::max);
    if most == 0.0 {
        return;
    }
    let unit = if column.unit.is_empty() { String::new() } else { format!(" ({})", column.unit) };
    let mut top = 0.0;
    let mut bars = String::new();
    for Bars { name, other, now, words } in lines {
        match other {
            // Two that may be compared lie one below the other; the run before lies behind.
            Some(("node", node)) => {
                bar(&mut bars, top - 4.5, "node", node / most, 8.0);
                bar(&mut bars, top + 4.5, "now", now / most, 8.0);
            }
            Some((class, before)) => {
                bar(&mut bars, top, class, before / most, 18.0);
                bar(&mut bars, top, "now", now / most, 9.0);
            }
            None => bar(&mut bars, top, "now", now / most, 18.0),
        }
        let _ = write!(
            bars,
            "<text x=\"{NAME_WIDTH}\" y=\"{y}\" text-anchor=\"end\" dx=\"-6\">{name}</text>\
             <text x=\"{x}\" y=\"{y}\" dx=\"6\">{words}</text>",
            y = top + 14.0,
            x = NAME_WIDTH + BAR_WIDTH,
            name = escape(name),
        );
        top += ROW;
    }
    if let Some(floor) = floor.filter(|floor| *floor > 0.0) {
        let x = NAME_WIDTH + BAR_WIDTH * floor / most;
        let _ = write!(bars, "<line class=\"floor\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"0\" y2=\"{top}\"/>");
    }
    let (title, width) = (column.title, NAME_WIDTH + BAR_WIDTH + WORDS_WIDTH);
    let _ = write!(
        page,
        "<h3>{title}{unit}</h3>\n<svg viewBox=\"0 0 {width} {top}\" role=\"img\" aria-label=\"{title}\">{bars}</svg>\n"
    );
}

fn bar(bars: &mut String, top: f64, class: &str, share: f64, height: f64) {
    if share > 0.0 {
        let (y, width) = (top + (ROW - 6.0 - height) / 2.0, BAR_WIDTH * share);
        let _ = write!(
            bars,
            "<rect class=\"{class}\" x=\"{NAME_WIDTH}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height}\"/>"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::Figures;
    use super::super::report::tests::{measured, report};
    use super::*;

    fn figures(cpu_us: f64) -> Figures {
        Figures { cpu_us, ..Figures::default() }
    }

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
