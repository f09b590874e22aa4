//! The plots of the functions' log: requests, percentiles, waits, cache, what was refused.

use shared::telemetry::{Counter, Timer};
use time::OffsetDateTime;

use crate::chart::{Band, Chart, Series};
use crate::sample::Sample;
use crate::summary::{Percentiles, ratio};

/// Moments of a plot: a line of 720 points can show no more.
const MOMENTS: usize = 120;

/// The plots of a stretch of time, as figures for a page that has [`STYLE`](crate::chart::STYLE). `labels` stand under
/// its two ends, `bands` are shaded in each.
pub fn plots(
    samples: &[Sample],
    began: OffsetDateTime,
    now: OffsetDateTime,
    labels: [&str; 2],
    bands: &[Band],
) -> Vec<String> {
    let lines = |title, unit, series| {
        Chart { title, unit, about: "", labels, bands, logarithmic: false, series }.svg()
    };
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
        lines("Requests", "a second", vec![series("all", &rate), series("5xx, failed", &failures)]),
        lines(
            "Latency",
            "ms, all routes",
            vec![
                series("p50", &percentile(|percentiles| percentiles.p50)),
                series("p95", &percentile(|percentiles| percentiles.p95)),
                series("p99", &percentile(|percentiles| percentiles.p99)),
            ],
        ),
        lines(
            "Time spent waiting",
            "ms, p95",
            vec![
                series("Postgres", &p95(Timer::DatabaseTime)),
                series("Redis", &p95(Timer::RedisTime)),
                series("another's fill", &p95(Timer::CacheWait)),
                series("payment provider", &p95(Timer::ProviderTime)),
            ],
        ),
        lines("Cache", "% hits", vec![series("hits", &hits)]),
        lines(
            "Refused and degraded",
            "count",
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
