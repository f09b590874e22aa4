//! All environments of a fleet.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Notify;

use super::environment::{Environment, Snapshot};
use super::version::Version;

/// The environments, by number.
#[derive(Default)]
pub(super) struct Environments {
    last: AtomicU64,
    table: RwLock<BTreeMap<u64, Arc<Environment>>>,
    fewer: Notify,
}

impl Environments {
    /// A new one of a function. It is known before its process is, which may ask for an event at once.
    pub(super) fn add(&self, function: &str, version: Option<Version>, at_a_time: usize) -> Arc<Environment> {
        let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let environment = Arc::new(Environment::new(id, function.to_owned(), version, at_a_time));
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        table.insert(id, Arc::clone(&environment));
        environment
    }

    pub(super) fn remove(&self, id: u64) {
        self.table.write().unwrap_or_else(PoisonError::into_inner).remove(&id);
        self.fewer.notify_waiters();
    }

    pub(super) fn get(&self, id: u64) -> Option<Arc<Environment>> {
        self.table.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    pub(super) fn snapshots(&self) -> Vec<Snapshot> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.values().map(|environment| environment.snapshot()).collect()
    }

    pub(super) async fn until_empty(&self) {
        loop {
            let fewer = self.fewer.notified();
            if self.table.read().unwrap_or_else(PoisonError::into_inner).is_empty() {
                return;
            }
            fewer.await;
        }
    }
}
