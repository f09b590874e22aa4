//! A run as tables, for the terminal.

use std::fmt::Write;

use super::answers::{Summary, status_name};
use super::processors::Who;
use super::run::Run;
use super::verdict::goals;
use super::waited::Waits;
use super::watch::Moment;
use crate::goal;
use cloud::figures::{float, milliseconds, thousands};
use cloud::progress::{seconds, table};
use customers::journeys::Journey;

/// The headings of [`rows`].
pub(super) const HEADINGS: [&str; 9] =
    ["journey", "requests", "/s", "p50 ms", "p95", "p99", "longest", "429", "errors"];

/// All of a run.
pub(super) fn of(run: &Run) -> String {
    let (table, goals) = (table(HEADINGS, &rows(run)), goal::lines(&goals(run)));
    let mut text = format!("\n  {}\n\n{table}\n{goals}\n", headline(run));
    for (label, note) in notes(run) {
        let _ = writeln!(text, "  {label:<12} {note}");
    }
    text
}

/// Whether the goal held, in a sentence.
pub(super) fn headline(run: &Run) -> String {
    let whose =
        run.node.as_ref().map_or_else(String::new, |version| format!(" of the twins in Node.js {version}"));
    let users = format!("{} users{whose} for {}", thousands(run.users), seconds(run.length));
    let struck = if run.outages.is_empty() { "" } else { ", with outages" };
    format!("{users}{struck}: {}.", goal::headline(&goals(run)))
}

/// A row for each journey, and one for all.
pub(super) fn rows(run: &Run) -> Vec<[String; 9]> {
    let row = |name: &str, journey: Option<Journey>| {
        let of = run.answers.iter().filter(|one| journey.is_none_or(|journey| one.journey == journey));
        let summary = Summary::of(of);
        let time = |time| format!("{:.1}", milliseconds(time));
        [
            name.to_owned(),
            thousands(summary.requests.try_into().unwrap_or(u64::MAX)),
            format!("{:.1}", count(summary.requests) / run.length.as_secs_f64().max(1.0)),
            time(summary.p50),
            time(summary.p95),
            time(summary.p99),
            time(summary.longest),
            summary.with_status(429).to_string(),
            summary.errors.to_string(),
        ]
    };
    let journeys = Journey::ALL.into_iter().map(|journey| row(journey.name(), Some(journey)));
    journeys.chain([row("all", None)]).collect()
}

/// What helps to understand the figures: a label, and words.
pub(super) fn notes(run: &Run) -> Vec<(&'static str, String)> {
    let all = Summary::of(run.answers.iter());
    let by_status = all.by_status.iter().map(|(status, count)| format!("{}: {count}", status_name(*status)));
    let busy = run.busy();
    let whom = Who::ALL.map(|who| format!("{} {:.2}", who.name(), busy.with(who)));
    let environments = run.moments.iter().map(Moment::environments).max().unwrap_or_default();
    let megabytes = run.moments.iter().map(Moment::megabytes).fold(0.0, f64::max);
    let mut notes = vec![
        ("answers", by_status.collect::<Vec<_>>().join(", ")),
        ("processors", format!("{:.2} busy on average: {}", busy.machine, whom.join(", "))),
        ("functions", format!("{environments} environments at most, {megabytes:.0} MB together")),
        (
            "punctuality",
            format!(
                "99 of 100 requests were sent within {:.1} ms of when they were due; the wait is part of their times",
                milliseconds(all.late)
            ),
        ),
    ];
    for (reason, waits) in run.waited.iter().flat_map(|waited| &waited.by_reason) {
        let Waits { orders, charged, median, longest } = *waits;
        let (median, longest) = (seconds(median), seconds(longest));
        let waited = format!(
            "{} charged since, half of them within {median}, the last after {longest}",
            thousands(charged)
        );
        notes.push(("put off", format!("{} orders {}: {waited}", thousands(orders), reason.name())));
    }
    for outage in &run.outages {
        let (from, to) = (seconds(outage.from), seconds(outage.to));
        notes.push(("outage", format!("{} from {from} to {to}", outage.name())));
    }
    notes
}

/// A count of things that fit into memory.
pub(super) fn count(number: usize) -> f64 {
    float(number.try_into().unwrap_or(u64::MAX))
}
