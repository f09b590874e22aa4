//! How long an invocation may still take.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// The gateway gives up after 30 s, whatever the function's own time-out.
const CEILING: Duration = Duration::from_secs(20);

/// Kept of the invocation for answering.
const RESERVE: Duration = Duration::from_millis(500);

/// Seconds as statements and queues take them: whole ones, rounded up.
pub fn whole_seconds(time: Duration) -> i32 {
    i32::try_from(time.as_millis().div_ceil(1000)).unwrap_or(i32::MAX)
}

/// A moment by which work must be done.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimit(Instant);

impl TimeLimit {
    /// Until shortly before Lambda's deadline (milliseconds since 1970), and never more than 20 s.
    ///
    /// No invocation begins after its deadline; cargo-lambda's emulator says so all the same (it sends the constant
    /// 600000, a moment in January 1970), and there the ceiling alone holds.
    pub fn of_invocation(deadline: Option<u64>) -> Self {
        Self::of_long_invocation(deadline, CEILING, RESERVE)
    }

    /// The same for a function that nobody waits for at the gateway: until `reserve` before the deadline, and never
    /// more than `ceiling`.
    pub fn of_long_invocation(deadline: Option<u64>, ceiling: Duration, reserve: Duration) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let left = deadline.and_then(|deadline| Duration::from_millis(deadline).checked_sub(now));
        let left = left.map_or(ceiling, |left| left.saturating_sub(reserve));
        Self(Instant::now() + left.min(ceiling))
    }

    /// What is left.
    pub fn left(&self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// The moment itself.
    pub fn instant(&self) -> Instant {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_the_deadline_less_a_reserve_and_never_exceeds_the_ceiling() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
        let now = u64::try_from(now).expect("fits");
        let short = TimeLimit::of_invocation(Some(now + 15_000)).left();
        assert!(short <= Duration::from_millis(14_500) && !short.is_zero(), "{short:?}");
        for unlimited in [Some(u64::MAX), None] {
            let left = TimeLimit::of_invocation(unlimited).left();
            assert!(left <= CEILING && left > CEILING / 2, "{left:?}");
        }
    }

    #[test]
    fn it_does_not_believe_a_deadline_that_had_passed_before_the_invocation_began() {
        assert!(TimeLimit::of_invocation(Some(600_000)).left() > CEILING / 2);
    }
}
