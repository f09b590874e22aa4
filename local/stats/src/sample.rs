//! One invocation, as its line in the log tells it.

use serde_json::Value;
use shared::telemetry::{Counter, Gauge, Timer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// See the module.
pub struct Sample {
    /// When it ended.
    pub at: OffsetDateTime,
    /// As template.yaml writes it, or the function's name where there is none.
    pub route: String,
    /// `2xx` … `5xx`, `ok`, `failed`.
    pub class: String,
    /// Milliseconds, as all times here.
    pub latency: f64,
    counts: Vec<(Counter, u64)>,
    times: Vec<(Timer, f64)>,
    values: Vec<(Gauge, u64)>,
}

impl Sample {
    /// From a line that holds metrics; `None` for any other.
    pub fn read(line: &str) -> Option<Self> {
        if !line.contains("\"_aws\"") {
            return None;
        }
        // Cargo's own words ("    Finished") can stand before it on the same line.
        let line: Value = serde_json::from_str(line.get(line.find('{')?..)?).ok()?;
        let text = |name: &str| line[name].as_str().map(str::to_owned);
        Some(Self {
            at: OffsetDateTime::parse(line["timestamp"].as_str()?, &Rfc3339).ok()?,
            route: text("Route")?,
            class: text("StatusClass")?,
            latency: line["Latency"].as_f64()?,
            counts: read(Counter::ALL, |counter| line[counter.name()].as_u64()),
            times: read(Timer::ALL, |timer| line[timer.name()].as_f64()),
            values: read(Gauge::ALL, |gauge| line[gauge.name()].as_u64()),
        })
    }

    /// How often this happened in it.
    pub fn count(&self, counter: Counter) -> u64 {
        find(&self.counts, &counter).unwrap_or_default()
    }

    pub(crate) fn time(&self, timer: Timer) -> Option<f64> {
        find(&self.times, &timer)
    }

    pub(crate) fn value(&self, gauge: Gauge) -> Option<u64> {
        find(&self.values, &gauge)
    }
}

fn read<K: Copy, V>(all: &[K], value: impl Fn(K) -> Option<V>) -> Vec<(K, V)> {
    all.iter().filter_map(|key| Some((*key, value(*key)?))).collect()
}

fn find<K: PartialEq, V: Copy>(pairs: &[(K, V)], key: &K) -> Option<V> {
    pairs.iter().find(|(other, _)| other == key).map(|(_, value)| *value)
}
