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
    let counts = |words, counters: &[Counter]| with_counts(summary, words, counters);
    let ratio =
        summary.hit_ratio().map_or_else(|| "no reads".to_owned(), |ratio| format!("{ratio:.1} % hits"));
    let hits = counts("# hits (# stale, # waited)", &[C::CacheHit, C::CacheStale, C::CacheWaited]);
    let misses = counts(
        "# misses (# filled, # dropped, # without Redis, # failed)",
        &[C::CacheMiss, C::CacheFilled, C::CacheFillDropped, C::CacheDegraded, C::CacheFailed],
    );
    let limiter = [C::RateAllowed, C::RateLimited, C::RateDegraded];
    let admitted =
        counts("# allowed, # probes, # denied", &[C::BreakerAllowed, C::BreakerProbed, C::BreakerDenied]);
    let reported = counts("# failed, # slow", &[C::BreakerFailed, C::BreakerSlow]);
    let changed = counts("opened #, closed #", &[C::BreakerOpened, C::BreakerClosed]);
    let redis = counts("# round trips, away in # requests", &[C::RedisRoundTrips, C::RedisAway]);
    let database = counts("# round trips, away # times", &[C::DatabaseRoundTrips, C::DatabaseAway]);
    let provider = counts(
        "# calls, # refused as too many, # held back",
        &[C::ProviderCalls, C::ProviderLimited, C::ProviderHeldBack],
    );
    let oldest = summary.value(Gauge::OldestUnfinishedOrder);
    let oldest =
        oldest.map_or_else(String::new, |age| format!("; the oldest unfinished one has waited {age} s"));
    vec![
        ("cache", format!("{ratio}: {hits}, {misses}{}", times(summary, Timer::CacheWait))),
        ("limiter", counts("# allowed, # requests refused, # checked without Redis", &limiter)),
        ("breaker", format!("{admitted}; {reported}; {changed}")),
        ("redis", redis + &times(summary, Timer::RedisTime)),
        ("postgres", database + &times(summary, Timer::DatabaseTime)),
        ("pool", counts("# connections opened", &[C::DatabaseConnected]) + &times(summary, Timer::PoolWait)),
        ("provider", provider + &times(summary, Timer::ProviderTime)),
        ("orders", counts("# deferred", &[C::DeferredOrders]) + &oldest),
        ("queue", waiting(queues)),
    ]
}

/// The words, each `#` of them the next counter.
fn with_counts(summary: &Summary, words: &str, counters: &[Counter]) -> String {
    counters
        .iter()
        .fold(words.to_owned(), |words, counter| words.replacen('#', &summary.count(*counter).to_string(), 1))
}

fn times(summary: &Summary, timer: Timer) -> String {
    summary.time(timer).map_or_else(String::new, |Percentiles { p50, p95, p99 }| {
        format!("; p50 {p50:.1}, p95 {p95:.1}, p99 {p99:.1} ms")
    })
}

fn waiting(queues: &[Queue]) -> String {
    if queues.is_empty() {
        return "SQS does not answer".to_owned();
    }
    let queues = queues.iter();
    let queues = queues.map(|Queue { name, waiting, in_flight }| {
        format!("{name}: {waiting} waiting, {in_flight} in flight")
    });
    queues.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_stands_where_its_words_want_it() {
        let figures = figures(&Summary::of(&[], time::Duration::MINUTE), &[]);
        assert!(figures.iter().all(|(_, line)| !line.contains('#')), "{figures:?}");
        let breaker = "0 allowed, 0 probes, 0 denied; 0 failed, 0 slow; opened 0, closed 0";
        assert!(figures.contains(&("breaker", breaker.to_owned())), "{figures:?}");
    }
}
