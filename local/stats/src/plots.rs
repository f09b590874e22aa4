//! The plots of the functions' log: requests, percentiles, waits, cache, what was refused.

use shared::telemetry::{Counter, Timer};
use time::OffsetDateTime;

use crate::chart::{Band, Chart, Series};
use crate::moments::{COUNTS, Moment, Moments, WAITS};
use crate::summary::{Percentiles, ratio};

/// The plots of the last minutes, as figures for a page that has [`STYLE`](crate::chart::STYLE). `bands` makes what is
/// shaded in each of the two ends of the time shown.
pub fn plots(
    moments: &Moments,
    now: OffsetDateTime,
    bands: impl FnOnce(OffsetDateTime, OffsetDateTime) -> Vec<Band>,
) -> Vec<String> {
    let (began, shown) = moments.shown(now);
    let bands = bands(began, now);
    let (from, to) = (clock(began), clock(now));
    let series = |name: &str, value: &dyn Fn(&Moment) -> Option<f64>| Series {
        name: name.to_owned(),
        points: shown.iter().map(value).collect(),
    };
    let rate = |requests: u32| Some(f64::from(requests) / float(moments.width().cast_unsigned()));
    let percentile = |name, of: fn(Percentiles) -> f64| series(name, &|moment| moment.latency.map(of));
    let wait = |name, timer| series(name, &|moment| value(WAITS, &timer, moment.waits).flatten());
    let count = |counter, moment: &Moment| value(COUNTS, &counter, moment.counts).unwrap_or_default();
    let sum = |name, counter| series(name, &|moment| Some(float(count(counter, moment))));
    let hits = |moment: &Moment| ratio(count(Counter::CacheHit, moment), count(Counter::CacheMiss, moment));
    [
        (
            "Requests",
            "a second",
            vec![
                series("all", &|moment| rate(moment.requests)),
                series("5xx, failed", &|moment| rate(moment.failed)),
            ],
        ),
        (
            "Latency",
            "ms, all routes",
            vec![
                percentile("p50", |percentiles| percentiles.p50),
                percentile("p95", |percentiles| percentiles.p95),
                percentile("p99", |percentiles| percentiles.p99),
            ],
        ),
        (
            "Time spent waiting",
            "ms, p95",
            vec![
                wait("Postgres", Timer::DatabaseTime),
                wait("Redis", Timer::RedisTime),
                wait("another's fill", Timer::CacheWait),
                wait("payment provider", Timer::ProviderTime),
            ],
        ),
        ("Cache", "% hits", vec![series("hits", &hits)]),
        (
            "Refused and degraded",
            "count",
            vec![
                sum("rate limited", Counter::RateLimited),
                sum("without Redis", Counter::RedisAway),
                sum("denied by the breaker", Counter::BreakerDenied),
                sum("deferred orders", Counter::DeferredOrders),
            ],
        ),
    ]
    .map(|(title, unit, series)| {
        let labels = [from.as_str(), to.as_str()];
        Chart { title, unit, about: "", labels, bands: &bands, logarithmic: false, series }.svg()
    })
    .into()
}

/// The time of day.
pub(crate) fn clock(moment: OffsetDateTime) -> String {
    format!("{:02}:{:02}:{:02}", moment.hour(), moment.minute(), moment.second())
}

/// What belongs to `key`.
fn value<K: PartialEq, V, const N: usize>(keys: [K; N], key: &K, values: [V; N]) -> Option<V> {
    keys.into_iter().zip(values).find(|(other, _)| other == key).map(|(_, value)| value)
}

fn float(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
