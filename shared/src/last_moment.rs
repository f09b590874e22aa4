//! The outer time limit of an invocation, for work that keeps to none of the inner ones.
//!
//! On ordinary Lambda whoever works past the deadline is ended, process and all, and the gateway's own answer goes out.
//! Where several requests share a process nothing ends the one that hangs, and its place is lost. So both servers give
//! up shortly before the deadline, and answer.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::alarm::Alarm;

/// Kept of the invocation for telling that it failed. Less than what the work itself keeps (`time_limit.rs`), so that
/// its own answer comes first.
const RESERVE: Duration = Duration::from_millis(200);

/// Where there is no deadline to believe: the longest that an invocation may take.
const LONGEST: Duration = Duration::from_mins(15);

/// One alarm for each invocation that was ever under way beside others, kept: a new one would cost system calls.
#[derive(Clone, Default)]
pub(crate) struct LastMoment(Arc<Mutex<Vec<Alarm>>>);

impl LastMoment {
    /// What `work` comes to, or `None` shortly before the deadline (milliseconds since 1970).
    pub(crate) async fn limit<T>(&self, deadline: u64, work: impl Future<Output = T>) -> Option<T> {
        let mut alarm = self.alarms().pop().unwrap_or_default();
        let ended = alarm.limit(left(deadline), pin!(work)).await;
        self.alarms().push(alarm);
        ended
    }

    fn alarms(&self) -> MutexGuard<'_, Vec<Alarm>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A deadline that had passed before the invocation began is none: cargo-lambda's emulator sends such.
fn left(deadline: u64) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let left = Duration::from_millis(deadline).checked_sub(now);
    left.map_or(LONGEST, |left| left.saturating_sub(RESERVE)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    fn in_milliseconds(milliseconds: u64) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
        u64::try_from(now).expect("fits") + milliseconds
    }

    #[tokio::test]
    async fn what_hangs_is_given_up_before_the_deadline_and_others_go_on() {
        let last = LastMoment::default();
        let hangs = last.limit(in_milliseconds(3_000), pending::<()>());
        let works = last.limit(in_milliseconds(60_000), ready(7));
        assert_eq!(tokio::join!(hangs, works), (None, Some(7)));
        assert_eq!(last.alarms().len(), 2, "both alarms are kept");
        // The alarm that went off serves again.
        assert_eq!(last.limit(in_milliseconds(60_000), ready(8)).await, Some(8));
    }

    #[test]
    fn a_deadline_of_long_ago_is_not_believed() {
        assert_eq!(left(600_000), LONGEST);
        assert!(left(in_milliseconds(3_000)) <= Duration::from_millis(2_800));
    }
}
