//! How long an invocation may still take.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// The gateway gives up after 30 s; and the local emulator's deadline is a constant in the far future, so code that
/// derives its budget from the deadline needs a ceiling of its own.
const CEILING: Duration = Duration::from_secs(20);

/// Kept of the invocation for answering.
const RESERVE: Duration = Duration::from_millis(500);

/// A moment by which work must be done.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimit(Instant);

impl TimeLimit {
    /// Until shortly before Lambda's deadline (milliseconds since 1970), and never more than 20 s.
    pub fn of_invocation(deadline: Option<u64>) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let left = deadline.map_or(CEILING, |deadline| Duration::from_millis(deadline).saturating_sub(now));
        Self(Instant::now() + left.saturating_sub(RESERVE).min(CEILING))
    }

    /// This much from now.
    pub fn after(duration: Duration) -> Self {
        Self(Instant::now() + duration)
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
        let short = TimeLimit::of_invocation(Some(now + 3_000)).left();
        assert!(short <= Duration::from_millis(2_500) && short > Duration::from_millis(1_500), "{short:?}");
        assert!(TimeLimit::of_invocation(Some(u64::MAX)).left() <= CEILING);
        assert!(TimeLimit::of_invocation(None).left() <= CEILING);
        assert_eq!(TimeLimit::of_invocation(Some(0)).left(), Duration::ZERO);
    }
}
