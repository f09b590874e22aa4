//! Waiting for a condition, not for a time.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Asks until there is an answer, and gives up loudly after `patience`.
pub async fn eventually<T>(what: &str, patience: Duration, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + patience;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < end, "{what} did not happen within {patience:?}");
        sleep(Duration::from_millis(50)).await;
    }
}
