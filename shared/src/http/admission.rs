//! A request's passage through the rate limiter.

use std::sync::OnceLock;
use std::time::Duration;

use super::Endpoint;
use crate::app::App;
use crate::error::{Error, Kind, Result};
use crate::rate_limit::{Identity, Verdict};
use crate::redis::Command;

/// One request's passage: asked once, by the handler or, where the handler failed before it asked, by
/// [`super::serve()`].
pub(super) struct Admission {
    app: App,
    endpoint: Endpoint,
    identity: Identity,
    verdict: OnceLock<Verdict>,
}

impl Admission {
    pub(super) fn new(app: App, endpoint: Endpoint, identity: Identity) -> Self {
        Self { app, endpoint, identity, verdict: OnceLock::new() }
    }

    /// Asks the limiter and sends `commands` along, in one round trip.
    pub(super) async fn ask<C: Command>(&self, commands: C) -> (Result<()>, C::Output) {
        let check = self.app.limiter.check(&self.identity, self.endpoint.policies());
        let (verdict, output) = self.app.redis.batch((check, commands)).await;
        let admitted = require_allowed(&verdict);
        // A second verdict of the same request would say less about the caller's quota than the first.
        let _ = self.verdict.set(verdict);
        (admitted, output)
    }

    /// Takes back what was sent with a request that is refused.
    pub(super) async fn take_back<C: Command>(&self, output: C::Output) {
        self.app.redis.undo::<C>(output).await;
    }

    pub(super) fn verdict(&self) -> Option<&Verdict> {
        self.verdict.get()
    }
}

/// 429, unless the verdict allows the request.
fn require_allowed(verdict: &Verdict) -> Result<()> {
    if verdict.allowed {
        return Ok(());
    }
    let violated: Vec<&str> = verdict.violated().map(|policy| policy.name).collect();
    let detail =
        format!("Rate limit exceeded: {}. Retry after the time in Retry-After.", violated.join(", "));
    let wait = verdict.retry_after().unwrap_or(Duration::from_secs(1));
    let error = Error::new(Kind::TooManyRequests, detail).retry_after(wait);
    Err(error.member("violated_policies", violated))
}
