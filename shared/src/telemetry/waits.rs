//! How long something was waited for, by the clock on the wall.
//!
//! Statements of one request wait beside each other. Added up, 270 of them came to 53 seconds of a request that took
//! 0.6, and the alarm on waits would have meant something else for each route.

use std::time::{Duration, Instant};

/// Times in which at least one was waiting: apart from each other, the earliest first.
#[derive(Debug)]
pub(super) struct Waits(Vec<(Instant, Instant)>);

impl Waits {
    pub(super) const NONE: Self = Self(Vec::new());

    /// Takes a wait that is over. Waits are noted as they end, so only the last ones can overlap with it.
    pub(super) fn add(&mut self, mut since: Instant, mut until: Instant) {
        while let Some((earlier, later)) = self.0.pop_if(|(_, end)| *end >= since) {
            (since, until) = (since.min(earlier), until.max(later));
        }
        self.0.push((since, until));
    }

    /// `None` if nothing was waited for.
    pub(super) fn total(&self) -> Option<Duration> {
        let total = self.0.iter().map(|(since, until)| *until - *since);
        (!self.0.is_empty()).then(|| total.sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_add_up_one_after_the_other_and_count_once_beside_each_other() {
        let origin = Instant::now();
        let at = |milliseconds| origin + Duration::from_millis(milliseconds);
        let mut waits = Waits::NONE;
        assert_eq!(waits.total(), None);
        for (since, until, total) in [
            (0, 10, 10),
            (20, 30, 20),
            // Within, overlapping, touching.
            (25, 30, 20),
            (22, 35, 25),
            (35, 40, 30),
            // Apart, and then one around the last two.
            (50, 60, 40),
            (15, 70, 65),
            // Around all of it.
            (0, 80, 80),
        ] {
            waits.add(at(since), at(until));
            assert_eq!(waits.total(), Some(Duration::from_millis(total)), "{since} to {until}");
        }
    }
}
