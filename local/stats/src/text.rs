//! The figures for a terminal.

use std::fmt::Write;

use shared::telemetry::{Counter, Gauge, Timer};

use super::queue::Queue;
use super::summary::{Percentiles, Route, Summary};
use cloud::progress::table;

const HEADINGS: [&str; 10] = ["route", "calls", "/s", "p50 ms", "p95", "p99", "2xx", "3xx", "4xx", "5xx"];

pub(crate) fn of(summary: &Summary, queues: &[Queue], minutes: u16) -> String {
    let minutes = if minutes == 1 { "minute".to_owned() } else { format!("{minutes} minutes") };
    let mut text = format!("  The last {minutes}, from the functions' log.\n\n");
    let rows: Vec<_> = summary.routes.iter().map(row).collect();
    text += &table(HEADINGS, &rows);
    for (label, line) in figures(summary, queues) {
        let _ = write!(text, "\n  {label:<9} {line}");
    }
    text.push('\n');
    text
}

/// One route. What has no HTTP status stands where 2xx and 5xx do.
fn row(route: &Route) -> [String; 10] {
    let Percentiles { p50, p95, p99 } = route.latency;
    let calls = |names: &[&str]| names.iter().map(|name| route.class(name)).sum::<usize>().to_string();
    [
        route.name.clone(),
        route.calls.to_string(),
        format!("{:.1}", route.per_second),
        format!("{p50:.1}"),
        format!("{p95:.1}"),
        format!("{p99:.1}"),
        calls(&["2xx", "ok"]),
        calls(&["3xx"]),
        calls(&["4xx"]),
        calls(&["5xx", "failed"]),
    ]
}

/// What is the same for all routes: a label, and figures in words.
pub(crate) fn figures(summary: &Summary, queues: &[Queue]) -> Vec<(&'static str, String)> {
    use Counter as C;
    let count = |counter: C| summary.count(counter);
    let time = |timer: Timer| {
        summary.time(timer).map_or_else(String::new, |Percentiles { p50, p95, p99 }| {
            format!("; p50 {p50:.1}, p95 {p95:.1}, p99 {p99:.1} ms")
        })
    };
    let ratio =
        summary.hit_ratio().map_or_else(|| "no reads".to_owned(), |ratio| format!("{ratio:.1} % hits"));
    let oldest = summary.value(Gauge::OldestUnfinishedOrder);
    let oldest =
        oldest.map_or_else(String::new, |age| format!("; the oldest unfinished one has waited {age} s"));
    let queues: Vec<_> = queues
        .iter()
        .map(|queue| format!("{}: {} waiting, {} in flight", queue.name, queue.waiting, queue.in_flight))
        .collect();
    let queues = if queues.is_empty() { "SQS does not answer".to_owned() } else { queues.join("; ") };
    vec![
        (
            "cache",
            format!(
                "{ratio}: {} hits ({} stale, {} waited), {} misses ({} filled, {} dropped, {} without Redis, {} failed){}",
                count(C::CacheHit),
                count(C::CacheStale),
                count(C::CacheWaited),
                count(C::CacheMiss),
                count(C::CacheFilled),
                count(C::CacheFillDropped),
                count(C::CacheDegraded),
                count(C::CacheFailed),
                time(Timer::CacheWait)
            ),
        ),
        (
            "limiter",
            format!(
                "{} allowed, {} requests refused, {} checked without Redis",
                count(C::RateAllowed),
                count(C::RateLimited),
                count(C::RateDegraded)
            ),
        ),
        (
            "breaker",
            format!(
                "{} allowed, {} probes, {} denied; {} failed, {} slow; opened {}, closed {}",
                count(C::BreakerAllowed),
                count(C::BreakerProbed),
                count(C::BreakerDenied),
                count(C::BreakerFailed),
                count(C::BreakerSlow),
                count(C::BreakerOpened),
                count(C::BreakerClosed)
            ),
        ),
        (
            "redis",
            format!(
                "{} round trips, away in {} requests{}",
                count(C::RedisRoundTrips),
                count(C::RedisAway),
                time(Timer::RedisTime)
            ),
        ),
        (
            "postgres",
            format!(
                "{} round trips, away {} times{}",
                count(C::DatabaseRoundTrips),
                count(C::DatabaseAway),
                time(Timer::DatabaseTime)
            ),
        ),
        ("pool", format!("{} connections opened{}", count(C::DatabaseConnected), time(Timer::PoolWait))),
        (
            "provider",
            format!(
                "{} calls, {} refused as too many, {} held back{}",
                count(C::ProviderCalls),
                count(C::ProviderLimited),
                count(C::ProviderHeldBack),
                time(Timer::ProviderTime)
            ),
        ),
        ("orders", format!("{} deferred{oldest}", count(C::DeferredOrders))),
        ("queue", queues),
    ]
}
