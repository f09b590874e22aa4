//! A time limit that costs no system call as long as it is not reached.
//!
//! tokio wakes its own driver for each timer that may be the next to go off: a write, and a wait that returns at once.
//! That is what a new `timeout` for each exchange with a server costs, though hardly one is ever reached. A timer that
//! is only put off costs nothing; so a connection keeps one. Where it is not put off in time it wakes the process once
//! or twice for nothing, which is why it is dropped before a long wait for somebody else.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Sleep, sleep};

/// A timer that is kept and put off.
#[derive(Default)]
pub(crate) struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// What `work` comes to; `None` if it takes longer than `limit`. Pinned by the caller, so that it is not moved.
    pub(crate) async fn limit<T>(
        &mut self,
        limit: Duration,
        work: Pin<&mut impl Future<Output = T>>,
    ) -> Option<T> {
        let timer = match &mut self.0 {
            Some(timer) => {
                timer.as_mut().reset(tokio::time::Instant::now() + limit);
                timer
            }
            none => none.insert(Box::pin(sleep(limit))),
        };
        tokio::select! {
            biased;
            done = work => Some(done),
            () = timer => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::pin::pin;

    use super::*;

    #[tokio::test]
    async fn what_takes_too_long_is_given_up_each_time_and_what_does_not_is_not() {
        let mut alarm = Alarm::default();
        for _ in 0..3 {
            assert_eq!(alarm.limit(Duration::from_millis(5), pin!(pending::<()>())).await, None);
            assert_eq!(alarm.limit(Duration::from_millis(5), pin!(ready(7))).await, Some(7));
            // A limit that was put off holds at its new time and not at the one before.
            let slow = async { tokio::time::sleep(Duration::from_millis(15)).await };
            assert_eq!(alarm.limit(Duration::from_mins(1), pin!(slow)).await, Some(()));
        }
    }
}
