//! Waiting for a condition, not for a time.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// For what a machine may be slow with. (The longest that the breaker stays open is in it, and the schedule's minute.)
pub const PATIENCE: Duration = Duration::from_secs(200);

/// Asks until there is an answer, and gives up loudly after a long while.
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < end, "{what} did not happen within {PATIENCE:?}");
        sleep(Duration::from_millis(50)).await;
    }
}
