//! The times of a run, and what is told of them.

use std::time::Duration;

use super::report::Latency;
use cloud::figures::{float, percentile};

/// A run's requests.
pub(super) struct Run {
    pub(super) times: Vec<Duration>,
    pub(super) took: Duration,
}

impl Run {
    pub(super) fn latency(&self) -> Latency {
        let mut times = self.times.clone();
        let (p50, p99) = (quantile(&mut times, 50), quantile(&mut times, 99));
        Latency { p50_us: microseconds(p50), p99_us: microseconds(p99) }
    }

    pub(super) fn requests(&self) -> u64 {
        self.times.len().try_into().unwrap_or(u64::MAX)
    }

    pub(super) fn per_second(&self) -> f64 {
        float(self.requests()) / self.took.as_secs_f64()
    }
}

pub(super) fn quantile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    percentile(times, percent).unwrap_or_default()
}

pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    percentile(&values, 50).unwrap_or_default()
}

pub(super) fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_one_of_the_values_that_were_measured() {
        let times =
            |range: std::ops::RangeInclusive<u64>| range.rev().map(Duration::from_millis).collect::<Vec<_>>();
        assert_eq!(quantile(&mut times(1..=100), 99), Duration::from_millis(99));
        assert_eq!(quantile(&mut times(1..=100), 50), Duration::from_millis(50));
        assert_eq!(quantile(&mut times(1..=3), 99), Duration::from_millis(3));
        assert_eq!(quantile(&mut [], 50), Duration::ZERO);
    }

    #[test]
    fn a_round_in_a_busy_moment_does_not_decide() {
        assert!((median(vec![100.0, 900.0, 101.0, 99.0, 102.0]) - 101.0).abs() < 1e-9);
        assert!(median(Vec::new()).abs() < 1e-9);
    }
}
