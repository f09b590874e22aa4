//! The circuit breaker of this environment in front of Redis itself.
//!
//! Redis carries the shared breaker of every other dependency, so its own breaker can only be local. It is as small
//! as can be: two failures in a row, and Redis is left alone for a jittered pause.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One failure may be a restart that the next connection heals; two are an outage.
const FAILURES: u32 = 2;

/// Redis is back for every environment within 5 s of its return; the jitter keeps them from returning all at once.
const PAUSE_MS: std::ops::Range<u64> = 1_000..4_500;

#[derive(Default)]
pub(super) struct Guard(Mutex<State>);

#[derive(Default)]
struct State {
    failures: u32,
    /// When the last one was noted.
    failed_at: Option<Instant>,
    paused_until: Option<Instant>,
}

impl Guard {
    /// Whether Redis may be tried. After a pause one caller tries; the others go on without until it has succeeded.
    pub(super) fn admits(&self) -> bool {
        let mut state = self.state();
        match state.paused_until {
            Some(until) if Instant::now() < until => false,
            Some(_) => {
                state.paused_until = Some(Instant::now() + pause());
                true
            }
            None => true,
        }
    }

    /// Notes a success; true if it ended an outage.
    pub(super) fn succeeded(&self) -> bool {
        std::mem::take(&mut *self.state()).paused_until.is_some()
    }

    /// Notes a failure of what began then; the length of the pause if this failure began an outage.
    pub(super) fn failed(&self, began: Instant) -> Option<Duration> {
        let mut state = self.state();
        // Requests of one environment that were under way together meet one moment of trouble, and that is one failure.
        if state.failed_at.is_some_and(|noted| began <= noted) {
            return None;
        }
        state.failed_at = Some(Instant::now());
        state.failures += 1;
        if state.failures < FAILURES {
            return None;
        }
        let began = state.paused_until.is_none();
        let pause = pause();
        state.paused_until = Some(Instant::now() + pause);
        began.then_some(pause)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pause() -> Duration {
    Duration::from_millis(fastrand::u64(PAUSE_MS))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// After whatever was noted so far.
    fn later() -> Instant {
        Instant::now() + Duration::from_millis(1)
    }

    #[test]
    fn it_leaves_redis_alone_after_the_second_failure_in_a_row() {
        let guard = Guard::default();
        assert!(guard.failed(Instant::now()).is_none());
        assert!(guard.admits());
        let pause = guard.failed(later()).expect("the second failure begins the outage");
        assert!((1_000..4_500).contains(&pause.as_millis()));
        assert!(!guard.admits());
        assert!(guard.failed(later()).is_none(), "the outage is reported once");
    }

    #[test]
    fn it_forgets_a_failure_after_a_success() {
        let guard = Guard::default();
        guard.failed(Instant::now());
        assert!(!guard.succeeded(), "one failure is not an outage yet");
        assert!(guard.failed(later()).is_none());
    }

    #[test]
    fn requests_that_were_under_way_together_fail_as_one() {
        let guard = Guard::default();
        let together = Instant::now();
        for _ in 0..8 {
            assert!(guard.failed(together).is_none());
            assert!(guard.admits(), "it was one moment");
        }
        assert!(guard.failed(later()).is_some(), "what began after it is another");
    }

    #[test]
    fn environments_do_not_return_all_at_once() {
        let pauses: BTreeSet<Duration> = (0..100).map(|_| pause()).collect();
        assert!(pauses.len() > 50, "{} different pauses of 100", pauses.len());
    }

    #[test]
    fn it_lets_a_single_caller_try_after_the_pause() {
        let guard = Guard::default();
        guard.state().paused_until = Some(Instant::now());
        assert!(guard.admits());
        assert!(!guard.admits());
        assert!(guard.succeeded());
        assert!(guard.admits());
    }
}
