//! Everything the provider has.

use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use shared::payments::Secret;

use super::faults::Faults;
use super::ledger::Ledger;
use super::requests::Requests;
use super::running::Running;
use super::server::Refusals;
use super::webhooks::Webhooks;

/// See the module.
#[derive(Debug)]
pub(super) struct Provider {
    pub(super) secret_key: Secret,
    pub(super) ledger: Mutex<Ledger>,
    pub(super) running: Running,
    pub(super) faults: Faults,
    pub(super) requests: Requests,
    pub(super) webhooks: Arc<Webhooks>,
    pub(super) refusals: Refusals,
}

impl Provider {
    /// `Bearer key`, or `Basic` with the key as the user, as `curl -u` sends it.
    pub(super) fn authorises(&self, authorization: &str) -> bool {
        let key = match authorization.split_once(' ') {
            Some(("Bearer", key)) => key.to_owned(),
            Some(("Basic", credentials)) => {
                let decoded = STANDARD.decode(credentials).unwrap_or_default();
                String::from_utf8_lossy(&decoded).trim_end_matches(':').to_owned()
            }
            _ => return false,
        };
        key == self.secret_key.reveal()
    }
}
