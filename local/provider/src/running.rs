//! What is being worked on right now: a key or an intent is held by one request at a time.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// The names in use.
#[derive(Clone, Debug, Default)]
pub(super) struct Running(Arc<Mutex<HashSet<String>>>);

/// One name, held until dropped.
#[derive(Debug)]
pub(super) struct Hold {
    running: Running,
    name: String,
}

impl Running {
    /// Holds `name`, unless another request does.
    pub(super) fn hold(&self, name: String) -> Option<Hold> {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.insert(name.clone()).then(|| Hold { running: self.clone(), name })
    }

    /// What is held, for whoever waits for it.
    pub(super) fn names(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.running.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lends_a_name_to_one_at_a_time() {
        let running = Running::default();
        let hold = running.hold("key".into());
        assert!(hold.is_some());
        assert!(running.hold("key".into()).is_none());
        assert!(running.hold("other".into()).is_some());
        drop(hold);
        assert!(running.hold("key".into()).is_some());
    }
}
