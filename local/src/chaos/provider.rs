//! The payment provider's other side of the counter: faults, webhooks, what customers and banks do, the ledger.

use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The provider's control interface.
pub(super) struct Provider {
    client: reqwest::Client,
    base: String,
}

/// Everything that the provider knows of money.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Ledger {
    pub(super) intents: Vec<Intent>,
    pub(super) charges: Vec<Charge>,
}

/// An intent in the ledger.
#[derive(Debug, Deserialize)]
pub(super) struct Intent {
    pub(super) id: String,
    pub(super) order_id: Option<String>,
    pub(super) status: String,
}

/// A charge in the ledger.
#[derive(Debug, Deserialize)]
pub(super) struct Charge {
    pub(super) id: String,
    pub(super) payment_intent: String,
    pub(super) order_id: Option<String>,
    pub(super) status: String,
    pub(super) amount: i64,
    pub(super) amount_refunded: i64,
    pub(super) currency: String,
}

impl Charge {
    /// Whether money moved, and has not gone back.
    pub(super) fn stands(&self) -> bool {
        self.status == "succeeded" && self.amount_refunded < self.amount
    }
}

/// What the provider was asked, and the fault that struck it.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    pub(super) fault: Option<String>,
}

impl Provider {
    pub(super) fn new(address: &str) -> Result<Self> {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).no_proxy().build()?;
        Ok(Self { client, base: format!("{address}/_control") })
    }

    /// From now on this fault strikes so many requests of a hundred.
    pub(super) async fn fault(&self, kind: &str, percent: u8, delay: Duration) -> Result<()> {
        let delay_ms = u64::try_from(delay.as_millis())?;
        let fault = json!({ "kind": kind, "times": null, "percent": percent, "delay_ms": delay_ms });
        self.order(Method::POST, "faults", Some(fault)).await
    }

    /// From now on none does.
    pub(super) async fn end_faults(&self) -> Result<()> {
        self.order(Method::DELETE, "faults", None).await
    }

    /// Accepts no connection for so long.
    pub(super) async fn refuse(&self, length: Duration) -> Result<()> {
        let for_ms = u64::try_from(length.as_millis())?;
        self.order(Method::POST, "refuse", Some(json!({ "for_ms": for_ms }))).await
    }

    /// Forgets every idempotency key, as Stripe may after a day.
    pub(super) async fn prune_keys(&self) -> Result<()> {
        self.order(Method::DELETE, "keys", None).await
    }

    /// Changes how webhooks travel.
    pub(super) async fn webhooks(&self, change: Value) -> Result<()> {
        self.order(Method::PUT, "webhooks", Some(change)).await
    }

    /// The customer authenticates, or the bank answers. Refused where the intent waits for neither.
    pub(super) async fn settle(&self, intent: &str, succeeds: bool) -> Result<()> {
        self.order(Method::POST, &format!("intents/{intent}/settle"), Some(json!({ "succeeds": succeeds })))
            .await
    }

    pub(super) async fn ledger(&self) -> Result<Ledger> {
        self.read("ledger").await
    }

    pub(super) async fn requests(&self) -> Result<Vec<Asked>> {
        self.read("requests").await
    }

    async fn order(&self, method: Method, path: &str, body: Option<Value>) -> Result<()> {
        let mut request = self.client.request(method, format!("{}/{path}", self.base));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.context("the provider takes no orders")?;
        response.error_for_status().context("the provider refused an order").map(drop)
    }

    async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let response = self.client.get(format!("{}/{path}", self.base)).send().await;
        Ok(response.context("the provider does not answer")?.error_for_status()?.json().await?)
    }
}
