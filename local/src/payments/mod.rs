//! The local payment provider: Stripe's wire format for what Millrace uses, a ledger that can be read back, and
//! faults on command.
//!
//! It is the one double in this house. Published fakes will not do: `localstripe` 1.15.10 ignores idempotency keys
//! (measured), and a shop that survives a provider without faults has proven nothing.
//!
//! | file | holds |
//! |---|---|
//! | `command` | the subcommand `local payments` |
//! | `server` | sockets: cutting connections, refusing them |
//! | `api` | the way of a request: fault, key, operation, answer |
//! | `call`, `operations`, `charging`, `cards` | what is asked, done and charged; the test cards |
//! | `ledger`, `journal` | the truth, and its file |
//! | `faults`, `control`, `requests` | orders, the interface for them, what was seen |
//! | `webhooks` | signed events: late, doubled, shuffled, off |
//! | `form`, `objects`, `error` | Stripe's dialect |

mod api;
mod call;
mod cards;
mod charging;
mod command;
mod control;
mod error;
mod faults;
mod form;
mod journal;
mod ledger;
mod objects;
mod operations;
mod requests;
mod running;
mod server;
mod webhooks;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use anyhow::Result;
use axum::{Router, routing::any};
use base64::{Engine, engine::general_purpose::STANDARD};
use shared::payments::Secret;
use tokio::net::TcpListener;

pub(crate) use self::command::{Arguments, run};
use self::{
    faults::Faults, ledger::Ledger, requests::Requests, running::Running, server::Refusals,
    webhooks::Webhooks,
};

/// What the provider needs to know.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The folder of its journal; made where it is missing.
    pub(crate) data: PathBuf,
    /// The shop's secret key.
    pub(crate) secret_key: Secret,
    /// Where events go.
    pub(crate) webhooks: webhooks::Settings,
}

/// Everything the provider has.
#[derive(Debug)]
struct Provider {
    secret_key: Secret,
    ledger: Mutex<Ledger>,
    running: Running,
    faults: Faults,
    requests: Requests,
    webhooks: Arc<Webhooks>,
    refusals: Refusals,
}

/// Serves the provider on `listener` until the future is dropped. What an earlier one left in its folder is taken up.
pub(crate) async fn serve(listener: TcpListener, settings: Settings) -> Result<()> {
    let (refusals, ordered) = Refusals::channel();
    let provider = Provider {
        secret_key: settings.secret_key,
        ledger: Mutex::new(Ledger::open(&settings.data)?),
        running: Running::default(),
        faults: Faults::default(),
        requests: Requests::default(),
        webhooks: Webhooks::new(settings.webhooks)?,
        refusals,
    };
    let router =
        Router::new().merge(control::routes()).fallback(any(api::handle)).with_state(Arc::new(provider));
    server::run(listener, router, ordered).await
}

impl Provider {
    /// `Bearer key`, or `Basic` with the key as the user, as `curl -u` sends it.
    fn authorises(&self, authorization: &str) -> bool {
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
