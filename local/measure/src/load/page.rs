//! A run as a page: what held, tables, and plots over time, in one file that needs no other.

use std::fmt::Write;

use super::plots::Plots;
use super::run::Run;
use super::text::{HEADINGS, headline, notes, rows};
use super::verdict::goals;
use crate::goal::{Goal, Outcome};
use cloud::figures::{escape, machine};
use stats::chart::STYLE;

/// The whole page.
pub(super) fn of(run: &Run, command: &str) -> String {
    let title = escape(&headline(run));
    let (date, hour, minute) = (run.begun.date(), run.begun.hour(), run.begun.minute());
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Millrace under load: {title}</title>\n\
         <style>{STYLE}</style>\n<h1>Millrace under load</h1>\n<p><strong>{title}</strong></p>\n\
         <p class=\"soft\">{}, begun {date}, {hour:02}:{minute:02} UTC, on {}.</p>\n<table><tr><th>goal<th style=\"text-align:left\">seen<th>\n",
        escape(command),
        escape(&machine()),
    );
    for Goal { promise, seen, outcome } in goals(run) {
        let (class, word) =
            if outcome == Outcome::Holds { ("good", "holds") } else { ("bad", "does not hold") };
        let _ = writeln!(
            page,
            "<tr><td>{}<td style=\"text-align:left\">{}<td class=\"{class}\">{word}",
            escape(&promise),
            escape(&seen)
        );
    }
    let _ = write!(page, "</table>\n<table><tr><th>{}", HEADINGS.join("<th>"));
    for row in rows(run) {
        let _ = write!(page, "\n<tr><td>{}", row.map(|cell| escape(&cell)).join("<td>"));
    }
    page += "</table>\n<dl>";
    for (label, note) in notes(run) {
        let _ = write!(page, "<dt>{label}<dd>{}", escape(&note));
    }
    page += "</dl>\n<p class=\"soft\">Every request has a moment at which it is due, decided before the first is sent (a Poisson \
             process; a user thinks for ten seconds on average). It is sent then, whether those before it are answered or not, \
             and its time counts from that moment to its answer: a shop that falls behind cannot hide it. Each user has an \
             address of its own; wanted products follow Zipf's law.";
    if !run.outages.is_empty() {
        page += " Shaded: a service was taken away and brought back.";
    }
    page += "</p>\n";
    for chart in Plots::new(run).charts() {
        page += &chart;
        page.push('\n');
    }
    page + "</html>\n"
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::answers::Answered;
    use super::super::answers::tests::answered;
    use super::super::outages::Outage;
    use super::super::watch::Moment;
    use super::*;
    use cloud::service::Service;
    use customers::journeys::Journey;

    #[test]
    fn a_page_needs_no_other_file_says_what_held_and_marks_outages() {
        let second = Duration::from_secs;
        let checkout = |at, status| Answered { journey: Journey::Checkout, ..answered(at, status, 3) };
        let run = Run {
            users: 12_000,
            length: second(10),
            answers: (0..10).map(|at| checkout(at, if at == 5 { 500 } else { 200 })).collect(),
            moments: (1..=10).map(|at| Moment { at: second(at), ..Moment::default() }).collect(),
            outages: vec![Outage { service: Service::Redis, from: second(2), to: second(4) }],
            ..Run::default()
        };
        let page = of(&run, "./dev load --users 12000");
        assert!(
            page.contains("12,000 users")
                && page.contains("does not hold")
                && page.contains("1 errors in 10")
        );
        assert_eq!(page.matches("Redis away</text>").count(), page.matches("<figure>").count());
        for outside in ["http://", "https://", "<script", "<link", "src="] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
