//! The figures as a page: one file, with its plots in it, that can be sent to somebody.

use std::fmt::Write;

use shared::telemetry::{Counter, Timer};
use time::OffsetDateTime;

use super::queue::Queue;
use super::sample::Sample;
use super::summary::{Percentiles, Summary, ratio};
use super::text::figures;
use crate::chart::{STYLE, Series, lines};
use cloud::figures::escape;

/// Moments of a plot: a line of 720 points can show no more.
const MOMENTS: usize = 120;

pub(super) fn of(samples: &[Sample], queues: &[Queue], began: OffsetDateTime, now: OffsetDateTime) -> String {
    // From the first request on: an empty half hour before it would only press the rest together.
    let began = samples.iter().map(|sample| sample.at).min().unwrap_or(began);
    let summary = Summary::of(samples, now - began);
    let clock = |moment: OffsetDateTime| {
        format!("{:02}:{:02}:{:02}", moment.hour(), moment.minute(), moment.second())
    };
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
    for chart in charts(samples, began, now, [&from, &to]) {
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

fn charts(samples: &[Sample], began: OffsetDateTime, now: OffsetDateTime, labels: [&str; 2]) -> Vec<String> {
    let span = (now - began).as_seconds_f64().max(1.0);
    let width = (span / 120.0).ceil().max(1.0);
    let mut moments: Vec<Vec<&Sample>> = (0..MOMENTS).map(|_| Vec::new()).collect();
    for sample in samples {
        let after = (sample.at - began).as_seconds_f64();
        let moment = (0..MOMENTS).rev().find(|moment| after >= width * float(*moment)).unwrap_or_default();
        moments[moment].push(sample);
    }
    moments.truncate((0..MOMENTS).take_while(|moment| width * float(*moment) <= span).count());
    let series = |name: &str, value: &dyn Fn(&[&Sample]) -> Option<f64>| Series {
        name: name.to_owned(),
        points: moments.iter().map(|samples| value(samples)).collect(),
    };
    let percentile = |of: fn(Percentiles) -> f64| {
        move |samples: &[&Sample]| {
            Percentiles::of(samples.iter().map(|sample| sample.latency).collect()).map(of)
        }
    };
    let p95 = |timer: Timer| {
        move |samples: &[&Sample]| {
            let times = samples.iter().filter_map(|sample| sample.time(timer)).collect();
            Percentiles::of(times).map(|percentiles| percentiles.p95)
        }
    };
    let sum = |counter: Counter| move |samples: &[&Sample]| Some(float(total(samples, counter)));
    let rate = |samples: &[&Sample]| Some(float(samples.len()) / width);
    let failures = |samples: &[&Sample]| {
        let failed = samples.iter().filter(|sample| ["5xx", "failed"].contains(&sample.class.as_str()));
        Some(float(failed.count()) / width)
    };
    let hits = |samples: &[&Sample]| {
        let count = |counter| u64::try_from(total(samples, counter)).unwrap_or_default();
        ratio(count(Counter::CacheHit), count(Counter::CacheMiss))
    };
    vec![
        lines("Requests", "a second", labels, vec![series("all", &rate), series("5xx, failed", &failures)]),
        lines(
            "Latency",
            "ms, all routes",
            labels,
            vec![
                series("p50", &percentile(|percentiles| percentiles.p50)),
                series("p95", &percentile(|percentiles| percentiles.p95)),
                series("p99", &percentile(|percentiles| percentiles.p99)),
            ],
        ),
        lines(
            "Time spent waiting",
            "ms, p95",
            labels,
            vec![
                series("Postgres", &p95(Timer::DatabaseTime)),
                series("Redis", &p95(Timer::RedisTime)),
                series("payment provider", &p95(Timer::ProviderTime)),
            ],
        ),
        lines("Cache", "% hits", labels, vec![series("hits", &hits)]),
        lines(
            "Refused and degraded",
            "count",
            labels,
            vec![
                series("rate limited", &sum(Counter::RateLimited)),
                series("without Redis", &sum(Counter::RedisAway)),
                series("denied by the breaker", &sum(Counter::BreakerDenied)),
                series("deferred orders", &sum(Counter::DeferredOrders)),
            ],
        ),
    ]
}

fn total(samples: &[&Sample], counter: Counter) -> usize {
    let total: u64 = samples.iter().map(|sample| sample.count(counter)).sum();
    usize::try_from(total).unwrap_or(usize::MAX)
}

fn float(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
