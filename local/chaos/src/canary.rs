//! How much of the machine this process had: what is held up with it is not held against the shop.
//!
//! Ten times a second it does a small piece of work that is always the same. The quickest piece shows what the machine
//! can do, and each other one, with how late it began, how fast the machine was just then: at a tenth of the speed,
//! somebody else had most of it, or all of this process stood still. Waits are judged by the machine's time: of a
//! second at a tenth of the speed, a tenth.

use std::hint::black_box;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::{Instant, sleep};

use super::chronicle::Span;

/// Between two pieces of work.
const PAUSE: Duration = Duration::from_millis(95);
/// A machine with nothing to do begins and ends a piece within so long.
const AT_ONCE: Duration = Duration::from_millis(5);
/// Some milliseconds of work, also where the program is built without optimisation.
const ROUNDS: u64 = 200_000;

/// From a moment until the next piece of work was done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beat {
    pub(super) span: Span,
    /// How long the piece took, and how late it began.
    pub(super) took: Duration,
}

/// Its beats.
#[derive(Default)]
pub(super) struct Canary(Mutex<Vec<Beat>>);

impl Canary {
    /// Works for ever.
    pub(super) async fn sing(&self) {
        loop {
            let began = Instant::now();
            sleep(PAUSE).await;
            let late = began.elapsed().saturating_sub(PAUSE);
            let piece = Instant::now();
            work();
            let took = piece.elapsed() + late;
            let beat = Beat { span: Span::since(began), took };
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(beat);
        }
    }

    /// The machine's clock, as it went so far.
    pub(super) fn clock(&self) -> MachineClock {
        MachineClock::new(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn work() {
    let mut hash = 0_u64;
    for round in 0..ROUNDS {
        hash = black_box(hash.wrapping_mul(0x100_0000_01b3) ^ round);
    }
}

/// A clock that goes as fast as the machine worked.
pub(super) struct MachineClock {
    beats: Vec<Beat>,
    /// What a piece takes where nobody else wants the machine.
    usual: Duration,
}

impl MachineClock {
    /// From beats in the order in which they came.
    pub(super) fn new(beats: Vec<Beat>) -> Self {
        let usual = beats.iter().map(|beat| beat.took).min().unwrap_or_default().max(AT_ONCE);
        Self { beats, usual }
    }

    /// When it has gone on for so long since then; `None`: it has not, so far.
    pub(super) fn after(&self, from: OffsetDateTime, length: Duration) -> Option<OffsetDateTime> {
        let first = self.beats.partition_point(|beat| beat.span.to <= from);
        let mut left = length.as_secs_f64();
        for beat in self.beats.get(first..)? {
            let (begins, speed) = (beat.span.from.max(from), self.speed(beat));
            let worked = (beat.span.to - begins).as_seconds_f64() * speed;
            if worked >= left {
                return Some(begins + time::Duration::seconds_f64(left / speed));
            }
            left -= worked;
        }
        None
    }

    /// How fast it went in the middle of the run, and at its slowest: 1 is as fast as ever.
    pub(super) fn speeds(&self) -> (f64, f64) {
        let mut speeds: Vec<_> = self.beats.iter().map(|beat| self.speed(beat)).collect();
        speeds.sort_by(f64::total_cmp);
        let at = |place: usize| speeds.get(place).copied().unwrap_or(1.0);
        (at(speeds.len() / 2), at(0))
    }

    fn speed(&self, beat: &Beat) -> f64 {
        self.usual.as_secs_f64() / beat.took.max(self.usual).as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + time::Duration::milliseconds(ms)
    }

    fn beat(from: i64, to: i64, took: u64) -> Beat {
        Beat { span: Span { from: at(from), to: at(to) }, took: Duration::from_millis(took) }
    }

    #[test]
    fn the_clock_goes_slower_where_the_machine_did_and_ends_where_it_is_known_no_more() {
        let clock = MachineClock::new(vec![beat(0, 1_000, 5), beat(1_000, 3_000, 50), beat(3_000, 4_000, 5)]);
        let after = |from, length| {
            let then = clock.after(at(from), Duration::from_millis(length))?;
            Some((then - at(0) + time::Duration::microseconds(500)).whole_milliseconds())
        };
        assert_eq!(after(200, 500), Some(700));
        assert_eq!(after(900, 200), Some(2_000));
        assert_eq!(after(2_000, 600), Some(3_500));
        assert_eq!(after(2_000, 1_200), None);
        let (middle, slowest) = clock.speeds();
        assert!(middle > 0.99 && slowest < 0.11);
    }

    #[tokio::test]
    async fn it_works_and_notes_how_long_that_took() {
        let canary = Canary::default();
        tokio::select! {
            () = canary.sing() => {}
            () = async { while canary.clock().beats.len() < 3 { tokio::task::yield_now().await } } => {}
        }
        let clock = canary.clock();
        assert!(clock.beats.iter().all(|beat| beat.span.from < beat.span.to));
        assert!(clock.usual > Duration::ZERO);
    }
}
