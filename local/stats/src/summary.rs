//! Many invocations, in figures.

use std::collections::BTreeMap;

use shared::telemetry::{Counter, Gauge, Timer};
use time::Duration;

use super::sample::Sample;
use cloud::figures::percentile;

pub(crate) struct Summary {
    pub(crate) routes: Vec<Route>,
    counts: BTreeMap<&'static str, u64>,
    times: BTreeMap<&'static str, Percentiles>,
    values: BTreeMap<&'static str, u64>,
}

pub(crate) struct Route {
    pub(crate) name: String,
    pub(crate) calls: usize,
    pub(crate) per_second: f64,
    pub(crate) latency: Percentiles,
    /// Calls by status class.
    pub(crate) classes: BTreeMap<String, usize>,
}

/// Milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Percentiles {
    pub(crate) p50: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
}

impl Percentiles {
    pub(crate) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let of = |percent| percentile(&values, percent);
        Some(Self { p50: of(50)?, p95: of(95)?, p99: of(99)? })
    }
}

impl Summary {
    pub(crate) fn of(samples: &[Sample], span: Duration) -> Self {
        let mut by_route: BTreeMap<&str, Vec<&Sample>> = BTreeMap::new();
        for sample in samples {
            by_route.entry(&sample.route).or_default().push(sample);
        }
        let routes = by_route.into_iter().filter_map(|(name, samples)| Route::of(name, &samples, span));
        let sum = |counter: &Counter| samples.iter().map(|sample| sample.count(*counter)).sum();
        let percentiles = |timer: &Timer| {
            let times = samples.iter().filter_map(|sample| sample.time(*timer)).collect();
            Some((timer.name(), Percentiles::of(times)?))
        };
        let latest = |gauge: &Gauge| {
            let told = samples.iter().filter_map(|sample| Some((sample.at, sample.value(*gauge)?)));
            Some((gauge.name(), told.max_by_key(|(at, _)| *at)?.1))
        };
        Self {
            routes: routes.collect(),
            counts: Counter::ALL.iter().map(|counter| (counter.name(), sum(counter))).collect(),
            times: Timer::ALL.iter().filter_map(percentiles).collect(),
            values: Gauge::ALL.iter().filter_map(latest).collect(),
        }
    }

    pub(crate) fn count(&self, counter: Counter) -> u64 {
        self.counts.get(counter.name()).copied().unwrap_or_default()
    }

    pub(crate) fn time(&self, timer: Timer) -> Option<Percentiles> {
        self.times.get(timer.name()).copied()
    }

    pub(crate) fn value(&self, gauge: Gauge) -> Option<u64> {
        self.values.get(gauge.name()).copied()
    }

    /// Per cent of the cached reads that were hits.
    pub(crate) fn hit_ratio(&self) -> Option<f64> {
        ratio(self.count(Counter::CacheHit), self.count(Counter::CacheMiss))
    }
}

/// `part` of both, in per cent.
pub(crate) fn ratio(part: u64, rest: u64) -> Option<f64> {
    let float = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    (part + rest > 0).then(|| 100.0 * float(part) / float(part + rest))
}

impl Route {
    fn of(name: &str, samples: &[&Sample], span: Duration) -> Option<Self> {
        let mut classes = BTreeMap::new();
        for sample in samples {
            *classes.entry(sample.class.clone()).or_default() += 1;
        }
        let calls = samples.len();
        Some(Self {
            name: name.to_owned(),
            calls,
            per_second: f64::from(u32::try_from(calls).ok()?) / span.as_seconds_f64().max(1.0),
            latency: Percentiles::of(samples.iter().map(|sample| sample.latency).collect())?,
            classes,
        })
    }

    pub(crate) fn class(&self, name: &str) -> usize {
        self.classes.get(name).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(second: u8, route: &str, class: &str, latency: f64, more: &str) -> String {
        format!(
            r#"{{"timestamp":"2026-11-24T08:00:{second:02}.5Z","Route":"{route}","StatusClass":"{class}","Latency":{latency},{more}"_aws":{{}}}}"#
        )
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let of = |values: &[f64]| Percentiles::of(values.to_vec());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[7.0]), Some(Percentiles { p50: 7.0, p95: 7.0, p99: 7.0 }));
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(of(&hundred), Some(Percentiles { p50: 50.0, p95: 95.0, p99: 99.0 }));
        assert_eq!(of(&[1.0, 2.0, 3.0, 4.0]), Some(Percentiles { p50: 2.0, p95: 4.0, p99: 4.0 }));
    }

    #[test]
    fn a_summary_adds_up_what_the_lines_say() {
        let lines = [
            line(0, "GET /a", "2xx", 1.0, r#""CacheHit":1,"RedisTime":0.5,"#),
            format!(
                "    Finished{}",
                line(1, "GET /a", "4xx", 3.0, r#""CacheMiss":1,"RedisTime":1.5,"RateLimited":1,"#)
            ),
            line(2, "sweeper", "ok", 9.0, r#""OldestUnfinishedOrder":7,"#),
            line(1, "sweeper", "ok", 9.0, r#""OldestUnfinishedOrder":60,"#),
            "not a line of ours".to_owned(),
        ];
        let samples: Vec<_> = lines.iter().filter_map(|line| Sample::read(line)).collect();
        let summary = Summary::of(&samples, Duration::seconds(4));
        let [a, sweeper] = &summary.routes[..] else { panic!("two routes") };
        assert_eq!((a.name.as_str(), a.calls, a.class("2xx"), a.class("4xx")), ("GET /a", 2, 1, 1));
        assert!((a.per_second - 0.5).abs() < 1e-9);
        assert_eq!((sweeper.class("ok"), summary.value(Gauge::OldestUnfinishedOrder)), (2, Some(7)));
        assert_eq!((summary.count(Counter::RateLimited), summary.hit_ratio()), (1, Some(50.0)));
        let times = Percentiles { p50: 0.5, p95: 1.5, p99: 1.5 };
        assert_eq!((summary.time(Timer::RedisTime), summary.time(Timer::PoolWait)), (Some(times), None));
    }
}
