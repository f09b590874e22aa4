//! Requests by the moment at which they ended, summed up: what plots are drawn of.
//!
//! Whoever draws them again and again beside a busy shop must not go through the last fifteen minutes each time, nor
//! keep them: a moment is summed up once, when no line of it is to be expected any more.

use std::collections::BTreeMap;

use shared::telemetry::{Counter, Timer};
use time::{Duration, OffsetDateTime};

use crate::sample::Sample;
use crate::summary::Percentiles;

/// Moments of a plot: a line of 720 points can show no more.
const MOMENTS: i64 = 120;
/// Several environments write to one log, so its lines are only nearly in order. What comes later is left out.
const LATE: Duration = Duration::seconds(30);

/// What is waited for.
pub(crate) const WAITS: [Timer; 4] =
    [Timer::DatabaseTime, Timer::RedisTime, Timer::CacheWait, Timer::ProviderTime];
/// What is counted.
pub(crate) const COUNTS: [Counter; 6] = [
    Counter::CacheHit,
    Counter::CacheMiss,
    Counter::RateLimited,
    Counter::RedisAway,
    Counter::BreakerDenied,
    Counter::DeferredOrders,
];

/// See the module.
pub struct Moments {
    /// Of a moment, in seconds.
    width: i64,
    minutes: u16,
    /// By time, in widths since 1970.
    open: BTreeMap<i64, Tally>,
    summed: BTreeMap<i64, Moment>,
    stood: BTreeMap<i64, Standing>,
}

/// How things stood when somebody looked, which the log does not say: names and numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    /// On the functions' way to Postgres.
    pub connections: Vec<(String, u64)>,
    /// Of what waits.
    pub queues: Vec<(String, u64)>,
}

/// A moment of which lines may still come.
#[derive(Default)]
struct Tally {
    latencies: BTreeMap<String, Vec<f64>>,
    failed: u32,
    waits: [Vec<f64>; WAITS.len()],
    counts: [u64; COUNTS.len()],
}

/// A moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Moment {
    pub(crate) requests: u32,
    /// Of them.
    pub(crate) failed: u32,
    pub(crate) latency: Option<Percentiles>,
    /// How many requests a route had, and their latencies.
    pub(crate) routes: BTreeMap<String, (usize, Percentiles)>,
    /// The 95th percentile of each of [`WAITS`], in milliseconds.
    pub(crate) waits: [Option<f64>; WAITS.len()],
    /// Of [`COUNTS`].
    pub(crate) counts: [u64; COUNTS.len()],
}

impl Tally {
    fn add(&mut self, sample: &Sample) {
        match self.latencies.get_mut(&sample.route) {
            Some(latencies) => latencies.push(sample.latency),
            None => drop(self.latencies.insert(sample.route.clone(), vec![sample.latency])),
        }
        self.failed += u32::from(["5xx", "failed"].contains(&sample.class.as_str()));
        for (waits, timer) in self.waits.iter_mut().zip(WAITS) {
            waits.extend(sample.time(timer));
        }
        for (count, counter) in self.counts.iter_mut().zip(COUNTS) {
            *count += sample.count(counter);
        }
    }

    fn sum(&self) -> Moment {
        let all: Vec<f64> = self.latencies.values().flatten().copied().collect();
        let route = |(name, latencies): (&String, &Vec<f64>)| {
            Some((name.clone(), (latencies.len(), Percentiles::of(latencies.clone())?)))
        };
        Moment {
            requests: u32::try_from(all.len()).unwrap_or(u32::MAX),
            failed: self.failed,
            latency: Percentiles::of(all),
            routes: self.latencies.iter().filter_map(route).collect(),
            waits: self.waits.each_ref().map(|waits| Some(Percentiles::of(waits.clone())?.p95)),
            counts: self.counts,
        }
    }
}

impl Moments {
    /// Of the last minutes, without any request yet.
    pub fn new(minutes: u16) -> Self {
        let width = (i64::from(minutes) * 60).div_euclid(MOMENTS).max(1);
        Self { width, minutes, open: BTreeMap::new(), summed: BTreeMap::new(), stood: BTreeMap::new() }
    }

    /// One more request.
    pub fn add(&mut self, sample: &Sample) {
        let moment = self.of(sample.at);
        if !self.summed.contains_key(&moment) {
            self.open.entry(moment).or_default().add(sample);
        }
    }

    /// Somebody looked how things stand. Of one moment the last look is kept.
    pub fn note(&mut self, at: OffsetDateTime, standing: Standing) {
        self.stood.insert(self.of(at), standing);
    }

    /// Sums up what is complete and forgets what is too old.
    pub fn settle(&mut self, now: OffsetDateTime) {
        let (complete, oldest) = (self.of(now - LATE), self.oldest(now));
        let open = self.open.split_off(&complete);
        let complete = std::mem::replace(&mut self.open, open);
        self.summed.extend(complete.into_iter().map(|(moment, tally)| (moment, tally.sum())));
        self.summed = self.summed.split_off(&oldest);
        self.stood = self.stood.split_off(&oldest);
    }

    /// When the first of them began, and each since then: empty minutes before it would only press the rest together.
    pub(crate) fn shown(&self, now: OffsetDateTime) -> (OffsetDateTime, Vec<Moment>) {
        let (oldest, last) = (self.oldest(now), self.of(now));
        let first = [self.summed.keys().next(), self.open.keys().next()];
        let first = first.into_iter().flatten().copied().min().unwrap_or(last).clamp(oldest, last);
        let moment = |moment| match self.open.get(&moment) {
            Some(tally) => tally.sum(),
            None => self.summed.get(&moment).cloned().unwrap_or_default(),
        };
        let began = OffsetDateTime::from_unix_timestamp(first * self.width).unwrap_or(now);
        (began, (first..=last).map(moment).collect())
    }

    /// What was seen of each moment since the one that began then; nothing where nobody looked.
    pub(crate) fn stood(&self, began: OffsetDateTime, now: OffsetDateTime) -> Vec<Standing> {
        let looked = |moment| self.stood.get(&moment).cloned().unwrap_or_default();
        (self.of(began)..=self.of(now)).map(looked).collect()
    }

    /// Of a moment, in seconds.
    pub(crate) fn width(&self) -> i64 {
        self.width
    }

    fn of(&self, at: OffsetDateTime) -> i64 {
        at.unix_timestamp().div_euclid(self.width)
    }

    fn oldest(&self, now: OffsetDateTime) -> i64 {
        self.of(now - Duration::minutes(self.minutes.into())) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(second: i64, latency: u32) -> Sample {
        let at = OffsetDateTime::UNIX_EPOCH + Duration::seconds(second);
        let at = at.format(&time::format_description::well_known::Rfc3339).expect("a time");
        let line = format!(
            r#"{{"timestamp":"{at}","Route":"GET /a","StatusClass":"5xx","Latency":{latency},"CacheHit":1,"RedisTime":{latency},"_aws":{{}}}}"#
        );
        Sample::read(&line).expect("a line of ours")
    }

    fn at(second: i64) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + Duration::seconds(second)
    }

    #[test]
    fn what_was_summed_up_bit_by_bit_is_what_a_single_look_shows() {
        let (mut bit_by_bit, mut at_once) = (Moments::new(15), Moments::new(15));
        for second in 0..1_200 {
            let latency = u32::try_from(second * 7 % 100).expect("small");
            at_once.add(&sample(second, latency));
            bit_by_bit.add(&sample(second, latency));
            bit_by_bit.settle(at(second));
            assert!(bit_by_bit.open.len() <= 6, "only the last half minute is kept");
        }
        at_once.settle(at(1_199));
        let (began, moments) = bit_by_bit.shown(at(1_199));
        assert_eq!((began, moments.clone()), at_once.shown(at(1_199)));
        assert!(began > at(1_199 - 15 * 60), "nothing is older than fifteen minutes");
        let Moment { requests, failed, counts, waits, latency, routes } = &moments[0];
        assert_eq!((*requests, *failed, counts[0], waits[0]), (7, 7, 7, None));
        assert_eq!(waits[1], latency.map(|latency| latency.p95));
        assert_eq!(routes.get("GET /a"), latency.map(|latency| (7, latency)).as_ref());
    }

    #[test]
    fn what_was_seen_stands_at_its_moment_and_is_forgotten_with_it() {
        let mut moments = Moments::new(15);
        let standing = |number| Standing { connections: vec![("a".to_owned(), number)], queues: vec![] };
        moments.add(&sample(700, 1));
        for second in [700, 712, 713] {
            moments.note(at(second), standing(second.cast_unsigned()));
        }
        assert_eq!(moments.stood(at(700), at(720)), [standing(700), standing(713), Standing::default()]);
        moments.settle(at(700 + 15 * 60));
        assert_eq!(moments.stood.len(), 1);
    }

    #[test]
    fn a_line_that_comes_after_its_moment_was_summed_up_is_left_out() {
        let mut moments = Moments::new(15);
        moments.add(&sample(0, 1));
        moments.settle(at(60));
        moments.add(&sample(1, 1));
        assert_eq!(moments.shown(at(60)).1[0].requests, 1);
    }
}
