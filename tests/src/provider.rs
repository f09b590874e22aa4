//! The local payment provider, through its control interface: faults, and what it was asked.

use std::time::Duration;

use provider::{Charge, Control, Fault, Kind, Operation, WebhookChange};
use serde_json::Value;

use crate::{Broken, env};

/// The provider's control interface.
fn provider() -> Control {
    Control::new(env("PAYMENTS_URL")).expect("a client")
}

/// The successful charges of an order, as the provider's ledger has them.
pub async fn charges_of(order: &str) -> Vec<Charge> {
    let charges = provider().ledger().await.expect("a ledger").charges;
    charges
        .into_iter()
        .filter(|charge| charge.order_id.as_deref() == Some(order) && charge.status == "succeeded")
        .collect()
}

/// Every connection is cut before the provider does anything.
pub async fn provider_failing() -> Broken {
    faulty(&Fault::lasting(Kind::Drop)).await
}

/// The next request of this operation is answered 500, and so is every repetition of it under the same key. `acts`: it
/// is carried out all the same.
pub async fn provider_failing_for_ever(operation: Operation, acts: bool) -> Broken {
    let kind = if acts { Kind::ActThenFailForEver } else { Kind::FailForEver };
    faulty(&Fault { operation: Some(operation), ..Fault::once(kind) }).await
}

/// The next request of this operation is refused with this body. `acts`: it is carried out all the same.
pub async fn provider_refusing(operation: Operation, body: Value, acts: bool) -> Broken {
    let kind = if acts { Kind::ActThenRefuse } else { Kind::Refuse };
    faulty(&Fault { operation: Some(operation), body, ..Fault::once(kind) }).await
}

/// The next request of this operation waits so long before anything is done.
pub async fn provider_slow(operation: Operation, wait: Duration) -> Broken {
    let delay_ms = u64::try_from(wait.as_millis()).expect("short");
    faulty(&Fault { operation: Some(operation), delay_ms, ..Fault::once(Kind::Delay) }).await
}

async fn faulty(fault: &Fault) -> Broken {
    let broken =
        Broken::until(async || provider().end_faults().await.map(drop).map_err(|error| format!("{error:#}")));
    provider().fault(fault).await.expect("the provider takes the order");
    broken
}

/// The provider's events are lost.
pub async fn webhooks_lost() -> Broken {
    let sends = async |enabled: bool| {
        let change = WebhookChange { enabled: Some(enabled), ..WebhookChange::default() };
        provider().webhooks(&change).await
    };
    let broken = Broken::until(async move || sends(true).await.map_err(|error| format!("{error:#}")));
    sends(false).await.expect("the provider takes the order");
    broken
}

/// How many requests the provider has seen.
pub async fn requests_to_provider() -> usize {
    provider().requests().await.expect("a number")
}

/// The customer passes the bank's check of an order's payment.
pub async fn customer_authenticates(order: &str) {
    provider().settle(&intent_of(order).await, true).await.expect("the bank agrees");
}

/// The customer's browser, left open, pays the order's intent with another card, past the shop.
pub async fn customer_pays_past_the_shop(order: &str, card: &str) {
    let url = format!("{}/v1/payment_intents/{}/confirm", env("PAYMENTS_URL"), intent_of(order).await);
    ask(&url, &[("payment_method", card)]).await;
}

/// Somebody at the provider's dashboard gives so much of an order's charge back.
pub async fn refund_at_the_provider(order: &str, amount: u32) {
    let url = format!("{}/v1/refunds", env("PAYMENTS_URL"));
    ask(&url, &[("payment_intent", &intent_of(order).await), ("amount", &amount.to_string())]).await;
}

async fn ask(url: &str, form: &[(&str, &str)]) {
    let request = reqwest::Client::new().post(url).bearer_auth(env("PAYMENTS_KEY")).form(form);
    let answer = request.send().await.expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.status());
}

/// The payment of an order, as the provider knows it.
pub async fn intent_of(order: &str) -> String {
    let intents = provider().ledger().await.expect("a ledger").intents;
    let intent = intents.into_iter().find(|intent| intent.order_id.as_deref() == Some(order));
    intent.expect("the order's intent").id
}
