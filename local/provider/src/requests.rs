//! What was asked of the provider and what it answered: kept for tests, and a line each for people.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;

use super::faults::Kind;
use super::operations::Operation;

/// Enough for the longest chaos run's last minutes, at some 500 bytes each.
const KEPT: usize = 20_000;

/// One request.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Seen {
    #[serde(with = "time::serde::rfc3339")]
    pub(super) at: OffsetDateTime,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) operation: Option<Operation>,
    pub(super) key: Option<String>,
    pub(super) version: Option<String>,
    /// The decoded parameters, in one order.
    pub(super) parameters: String,
    pub(super) fault: Option<Kind>,
    /// The status, `cut`, `silence` or `garbled`.
    pub(super) answer: String,
    pub(super) replayed: bool,
    pub(super) took_ms: u64,
}

/// The requests, oldest first.
#[derive(Debug, Default)]
pub(super) struct Requests(Mutex<VecDeque<Seen>>);

impl Requests {
    /// Remembers a request and prints its line.
    pub(super) fn record(&self, seen: Seen) {
        let key = seen.key.as_deref().map(|key| format!(" key={key}")).unwrap_or_default();
        let fault = seen.fault.map(|fault| format!(" fault={fault:?}")).unwrap_or_default();
        let replayed = if seen.replayed { " replayed" } else { "" };
        // Nobody reading is no reason to stop.
        let _ = writeln!(
            std::io::stdout(),
            "payments {} {}{key}{fault} → {}{replayed} in {} ms",
            seen.method,
            seen.path,
            seen.answer,
            seen.took_ms
        );
        let mut kept = self.lock();
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(seen);
    }

    pub(super) fn all(&self) -> Vec<Seen> {
        self.lock().iter().cloned().collect()
    }

    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whole milliseconds.
pub(super) fn milliseconds(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}
