//! When customers ask: decided before the first request is sent, so that a slow answer delays nobody's next request.
//!
//! So many users, each of whom thinks for an exponentially distributed time between two requests, ask together like one
//! Poisson process, each request being that of a user picked by chance. So there is no user to wait for: the schedule
//! is a sequence of moments, and needs to know no answer.

use std::time::Duration;

use crate::journeys::{Journey, per_second};

/// Users come in one after the other at first, as on any morning.
const RAMP: Duration = Duration::from_secs(10);

/// A request that is due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrival {
    /// Since the beginning.
    pub at: Duration,
    /// Whose it is, counted from 0.
    pub user: u64,
    /// What is asked.
    pub journey: Journey,
    /// From 0 to 1, for what the journey leaves to chance.
    pub draw: f64,
}

/// All arrivals of a run, the earliest first.
pub struct Arrivals {
    random: fastrand::Rng,
    users: u64,
    /// Seconds.
    length: f64,
    /// Requests expected so far; a Poisson process of one each is stretched over time by it.
    expected: f64,
}

impl Arrivals {
    /// The same seed plans the same requests.
    pub fn new(users: u64, length: Duration, seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        Self { random, users, length: length.as_secs_f64(), expected: 0.0 }
    }

    /// The moment by which so many requests are expected: the rate rises in a straight line, then stays.
    fn moment(&self, expected: f64) -> f64 {
        let (rate, ramp) = (per_second(self.users), RAMP.as_secs_f64().min(self.length / 10.0));
        if expected < rate * ramp / 2.0 {
            (2.0 * ramp * expected / rate).sqrt()
        } else {
            expected / rate + ramp / 2.0
        }
    }
}

impl Iterator for Arrivals {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        self.expected -= (1.0 - self.random.f64()).ln();
        let at = self.moment(self.expected);
        (at < self.length).then(|| Arrival {
            at: Duration::from_secs_f64(at),
            user: self.random.u64(0..self.users),
            journey: Journey::pick(self.random.f64()),
            draw: self.random.f64(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(users: u64, seconds: u64) -> Vec<Arrival> {
        Arrivals::new(users, Duration::from_secs(seconds), 7).collect()
    }

    #[test]
    fn the_same_seed_plans_the_same_requests_whatever_is_answered() {
        // Nothing of an answer goes in: a schedule that is asked for slowly is the schedule.
        let (whole, mut bit_by_bit) = (planned(500, 60), Arrivals::new(500, Duration::from_mins(1), 7));
        assert!(whole.iter().all(|arrival| bit_by_bit.next() == Some(*arrival)));
        assert_ne!(whole, Arrivals::new(500, Duration::from_mins(1), 8).collect::<Vec<_>>());
    }

    #[test]
    fn users_who_think_for_ten_seconds_send_a_tenth_of_a_request_a_second_each() {
        let arrivals = planned(10_000, 100);
        let steady = arrivals.iter().filter(|arrival| arrival.at >= Duration::from_secs(20)).count();
        // 80,000 expected; the standard deviation is 283.
        assert!((78_800..81_200).contains(&steady), "{steady}");
        assert!(arrivals.is_sorted_by_key(|arrival| arrival.at));
        assert!(arrivals.iter().all(|arrival| arrival.at < Duration::from_secs(100)));
    }

    #[test]
    fn the_pauses_of_one_user_are_exponential() {
        let mut of_one: Vec<_> =
            planned(10, 100_000).into_iter().filter(|arrival| arrival.user == 3).collect();
        of_one.drain(..10);
        let pauses = of_one.windows(2).map(|pair| pair[1].at.as_secs_f64() - pair[0].at.as_secs_f64());
        let pauses: Vec<_> = pauses.collect();
        let share = |longer: f64| {
            let count = pauses.iter().filter(|pause| **pause > longer).count();
            per_second(u64::try_from(count).unwrap_or_default())
                / per_second(u64::try_from(pauses.len()).unwrap_or(1))
        };
        // e^-1 think longer than the average, e^-2 longer than twice that.
        assert!((share(10.0) - 0.368).abs() < 0.02, "{}", share(10.0));
        assert!((share(20.0) - 0.135).abs() < 0.02, "{}", share(20.0));
    }

    #[test]
    fn the_rate_rises_before_it_stays() {
        let arrivals = planned(10_000, 100);
        let within = |from, to| {
            let (from, to) = (Duration::from_secs(from), Duration::from_secs(to));
            arrivals.iter().filter(|arrival| (from..to).contains(&arrival.at)).count()
        };
        let (first, fifth, steady) = (within(0, 1), within(4, 5), within(50, 51));
        assert!(
            first < 100 && (350..550).contains(&fifth) && (880..1120).contains(&steady),
            "{first} {fifth} {steady}"
        );
    }
}
