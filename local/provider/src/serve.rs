//! Puts the provider together and serves it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use anyhow::Result;
use axum::routing::any;
use shared::payments::Secret;
use tokio::net::TcpListener;

use super::faults::Faults;
use super::ledger::Ledger;
use super::provider::Provider;
use super::requests::Requests;
use super::running::Running;
use super::server::{self, Refusals};
use super::webhooks::{self, Webhooks};
use super::{api, control};

/// What the provider needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder of its journal; made where it is missing.
    pub data: PathBuf,
    /// The shop's secret key.
    pub secret_key: Secret,
    /// Where events go.
    pub webhooks: webhooks::Settings,
}

/// Serves the provider on `listener` until the future is dropped. What an earlier one left in its folder is taken up.
pub async fn serve(listener: TcpListener, settings: Settings) -> Result<()> {
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
    let router = control::routes().fallback(any(api::handle)).with_state(Arc::new(provider));
    server::run(listener, router, ordered).await
}
