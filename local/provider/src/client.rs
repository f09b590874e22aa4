//! The payment provider's other side of the counter: faults, webhooks, what customers and banks do, the ledger.

use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::{Method, Response};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};

use super::{Fault, Kind, Operation, WebhookChange};

/// The provider's control interface.
pub struct Control {
    client: reqwest::Client,
    base: String,
}

/// Everything that the provider knows of money.
#[derive(Debug, Default, Deserialize)]
pub struct Ledger {
    /// All of them, the oldest first.
    pub intents: Vec<Intent>,
    /// All of them, the oldest first.
    pub charges: Vec<Charge>,
}

/// An intent in the ledger.
#[derive(Debug, Deserialize)]
pub struct Intent {
    /// The provider's own.
    pub id: String,
    /// The shop's order, from the metadata.
    pub order_id: Option<String>,
    /// In Stripe's words.
    pub status: String,
}

/// A charge in the ledger.
#[derive(Debug, Deserialize)]
pub struct Charge {
    /// The provider's own.
    pub id: String,
    /// What it is a charge of.
    pub payment_intent: String,
    /// The shop's order, from the metadata.
    pub order_id: Option<String>,
    /// In Stripe's words.
    pub status: String,
    /// In the minor unit.
    pub amount: i64,
    /// How much of it has gone back.
    pub amount_refunded: i64,
    /// `eur`, `usd`.
    pub currency: String,
}

impl Charge {
    /// Whether money moved, and has not gone back.
    pub fn stands(&self) -> bool {
        self.status == "succeeded" && self.amount_refunded < self.amount
    }
}

/// What came of faults that were ended.
#[derive(Debug, Deserialize)]
struct Ended {
    struck: usize,
}

impl Control {
    /// Of the provider at an address like `http://127.0.0.1:9000`.
    pub fn new(address: &str) -> Result<Self> {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(5))
            .no_proxy()
            .tls_certs_only([])
            .build()?;
        Ok(Self { client, base: format!("{address}/_control") })
    }

    /// From now on this fault strikes.
    pub async fn fault(&self, fault: &Fault) -> Result<()> {
        self.order(Method::POST, "faults", Some(serde_json::to_value(fault)?)).await
    }

    /// From now on none does. How many requests those had struck that were still there.
    pub async fn end_faults(&self) -> Result<usize> {
        let answer = self.send(Method::DELETE, "faults", None).await?;
        Ok(answer.json::<Ended>().await?.struck)
    }

    /// From now on each endpoint takes so many calls a second, and refuses the others.
    pub async fn limit(&self, calls_a_second: u32) -> Result<()> {
        for operation in Operation::ALL {
            let fault = Fault {
                operation: Some(operation),
                above_per_second: Some(calls_a_second),
                ..Fault::lasting(Kind::RateLimit)
            };
            self.fault(&fault).await?;
        }
        Ok(())
    }

    /// Accepts no connection for so long.
    pub async fn refuse(&self, length: Duration) -> Result<()> {
        let for_ms = u64::try_from(length.as_millis())?;
        self.order(Method::POST, "refuse", Some(json!({ "for_ms": for_ms }))).await
    }

    /// A day passes for these orders: their idempotency keys are forgotten, as Stripe may then, and their intents a
    /// day old.
    pub async fn pass_day(&self, orders: &[String]) -> Result<()> {
        self.order(Method::POST, "day", Some(json!({ "orders": orders }))).await
    }

    /// Changes how webhooks travel.
    pub async fn webhooks(&self, change: &WebhookChange) -> Result<()> {
        self.order(Method::PUT, "webhooks", Some(serde_json::to_value(change)?)).await
    }

    /// The customer authenticates, or the bank answers. Refused where the intent waits for neither.
    pub async fn settle(&self, intent: &str, succeeds: bool) -> Result<()> {
        self.order(Method::POST, &format!("intents/{intent}/settle"), Some(json!({ "succeeds": succeeds })))
            .await
    }

    /// Everything it knows of money.
    pub async fn ledger(&self) -> Result<Ledger> {
        self.read("ledger").await
    }

    /// How many requests it has seen since it was started, or told to forget.
    pub async fn requests(&self) -> Result<usize> {
        Ok(self.read::<Vec<IgnoredAny>>("requests").await?.len())
    }

    async fn order(&self, method: Method, path: &str, body: Option<Value>) -> Result<()> {
        self.send(method, path, body).await.map(drop)
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result<Response> {
        let mut request = self.client.request(method, format!("{}/{path}", self.base));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.context("the provider takes no orders")?;
        response.error_for_status().context("the provider refused an order")
    }

    async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let response = self.client.get(format!("{}/{path}", self.base)).send().await;
        Ok(response.context("the provider does not answer")?.error_for_status()?.json().await?)
    }
}
