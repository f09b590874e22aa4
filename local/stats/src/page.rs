//! The figures as a page: one file, with its plots in it, that can be sent to somebody.

use std::fmt::Write;

use time::OffsetDateTime;

use super::queue::Queue;
use super::sample::Sample;
use super::summary::{Percentiles, Summary};
use super::text::figures;
use crate::chart::STYLE;
use crate::moments::Moments;
use crate::plots::{clock, plots};
use cloud::figures::escape;

pub(crate) fn of(samples: &[Sample], queues: &[Queue], minutes: u16, now: OffsetDateTime) -> String {
    // From the first request on: an empty half hour before it would only press the rest together.
    let began = samples.iter().map(|sample| sample.at).min().unwrap_or(now);
    let summary = Summary::of(samples, now - began);
    let (from, to) = (clock(began), clock(now));
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Millrace, {from} to {to}</title>\
         <style>{STYLE}</style><h1>Millrace</h1><p>{} requests, {}, {from} to {to} UTC, from the functions' log.</p>",
        samples.len(),
        now.date()
    );
    page += &table(&summary);
    page += "<dl>";
    for (label, figures) in figures(&summary, queues) {
        let _ = write!(page, "<dt>{}</dt><dd>{}</dd>", escape(label), escape(&figures));
    }
    page += "</dl>";
    let mut moments = Moments::new(minutes);
    for sample in samples {
        moments.add(sample);
    }
    for chart in plots(&moments, now, |_, _| Vec::new()) {
        page += &chart;
    }
    page + "</html>\n"
}

fn table(summary: &Summary) -> String {
    let mut table = "<table><tr><th>route<th>calls<th>/s<th>p50 ms<th>p95<th>p99<th>4xx<th>5xx".to_owned();
    for route in &summary.routes {
        let Percentiles { p50, p95, p99 } = route.latency;
        let _ = write!(
            table,
            "<tr><td>{}<td>{}<td>{:.1}<td>{p50:.1}<td>{p95:.1}<td>{p99:.1}<td>{}<td>{}",
            escape(&route.name),
            route.calls,
            route.per_second,
            route.class("4xx"),
            route.class("5xx") + route.class("failed")
        );
    }
    table + "</table>"
}
