//! A run as a page: plots, drawn by hand, in one file that needs no other.

use std::fmt::Write;

use super::cases::FLOOR;
use super::columns::{COLUMNS, Column};
use super::report::Report;
use crate::figures::escape;

const NAME_WIDTH: f64 = 190.0;
const BAR_WIDTH: f64 = 430.0;
const ROW: f64 = 24.0;

const STYLE: &str = "
body { font: 15px/1.5 system-ui, sans-serif; max-width: 58rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
h1 { font-size: 1.5rem } h2 { font-size: 1.05rem; margin: 2rem 0 .3rem } .note { color: #555 }
svg { display: block; width: 100%; height: auto; font-size: 12px } .now { fill: #2a6f97 } .before { fill: #c9d6df }
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
    page.push_str("</p>\n");
    for column in COLUMNS {
        plot(&mut page, column, report, previous);
    }
    page.push_str("</html>\n");
    page
}

fn plot(page: &mut String, column: &Column, report: &Report, previous: Option<&Report>) {
    let values =
        |report: &Report| report.cases.iter().map(|case| (column.of)(&case.figures)).fold(0.0, f64::max);
    let most = values(report).max(previous.map_or(0.0, values));
    if most == 0.0 {
        return;
    }
    let unit = if column.unit.is_empty() { String::new() } else { format!(" ({})", column.unit) };
    let mut top = 0.0;
    let mut bars = String::new();
    for case in &report.cases {
        let before = previous.and_then(|previous| previous.case(&case.name));
        bar(&mut bars, top, "before", before.map_or(0.0, |before| (column.of)(before)) / most, 18.0);
        bar(
            &mut bars,
            top,
            "now",
            (column.of)(&case.figures) / most,
            if before.is_some() { 9.0 } else { 18.0 },
        );
        let change = column.change(&case.figures, before).map_or_else(String::new, |change| {
            let class = if change > 0.0 { "worse" } else { "better" };
            format!(" <tspan class=\"{class}\">{change:+.0} %</tspan>")
        });
        let _ = write!(
            bars,
            "<text x=\"{NAME_WIDTH}\" y=\"{y}\" text-anchor=\"end\" dx=\"-6\">{name}</text>\
             <text x=\"{x}\" y=\"{y}\" dx=\"6\">{value}{change}</text>",
            y = top + 14.0,
            x = NAME_WIDTH + BAR_WIDTH,
            name = escape(&case.name),
            value = column.text(&case.figures),
        );
        top += ROW;
    }
    if let Some(floor) = report.case(FLOOR.name).map(|floor| (column.of)(floor)).filter(|floor| *floor > 0.0)
    {
        let x = NAME_WIDTH + BAR_WIDTH * floor / most;
        let _ = write!(bars, "<line class=\"floor\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"0\" y2=\"{top}\"/>");
    }
    let (title, width) = (column.title, NAME_WIDTH + BAR_WIDTH + 130.0);
    let _ = write!(
        page,
        "<h2>{title}{unit}</h2>\n<svg viewBox=\"0 0 {width} {top}\" role=\"img\" aria-label=\"{title}\">{bars}</svg>\n"
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
    use super::super::report::{Figures, Measured};
    use super::*;

    #[test]
    fn a_page_needs_no_other_file_and_shows_every_case() {
        let case = |name: &str, cpu_us| Measured {
            name: name.to_owned(),
            function: "x".to_owned(),
            figures: Figures { cpu_us, ..Figures::default() },
        };
        let report = |note: &str, cpu_us| Report {
            date: "2026-11-24".to_owned(),
            machine: "2 cores".to_owned(),
            command: "./dev bench".to_owned(),
            note: note.to_owned(),
            scale: 1,
            cases: vec![case(FLOOR.name, 90.0), case("a <b>", cpu_us)],
        };
        let page = of(&report("now", 120.0), Some(&report("before & after", 100.0)));
        assert!(
            page.contains("a &lt;b&gt;") && page.contains("before &amp; after") && page.contains("+20 %")
        );
        for outside in ["http://", "https://", "<script", "<link", "src="] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
