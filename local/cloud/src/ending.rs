//! The signals by which somebody ends a command.

use anyhow::Result;
use tokio::signal::unix::{SignalKind, signal};

/// Waits for one of them, and says in a word which it was. From the call on none of them kills this program any more:
/// it is made before anything that would be left behind.
pub fn told_to_end() -> Result<impl Future<Output = &'static str>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => "interrupted",
            _ = terminate.recv() => "terminated",
            _ = hang_up.recv() => "the terminal is gone",
        }
    })
}
