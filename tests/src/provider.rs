//! The local payment provider: faults on command, and what it was asked.

use serde_json::{Value, json};

use crate::env;

fn control(path: &str) -> String {
    format!("{}/_control/{path}", env("PAYMENTS_URL"))
}

/// The successful charges of an order, as the provider's ledger has them.
pub async fn charges_of(order: &str) -> Vec<Value> {
    let ledger: Value =
        reqwest::get(control("ledger")).await.expect("an answer").json().await.expect("a ledger");
    let charges = ledger["charges"].as_array().cloned().unwrap_or_default();
    charges
        .into_iter()
        .filter(|charge| charge["order_id"] == order && charge["status"] == "succeeded")
        .collect()
}

/// From now on every connection is cut before the provider does anything.
pub async fn provider_fails() {
    let fault = json!({ "kind": "drop", "times": null });
    let answer = reqwest::Client::new().post(control("faults")).json(&fault).send().await.expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.status());
}

/// The next request of this operation is answered 500, and so is every repetition of it under the same key. `acts`: it is
/// carried out all the same.
pub async fn provider_fails_for_ever(operation: &str, acts: bool) {
    let kind = if acts { "act_then_fail_for_ever" } else { "fail_for_ever" };
    let fault = json!({ "kind": kind, "operation": operation });
    let answer = reqwest::Client::new().post(control("faults")).json(&fault).send().await.expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.status());
}

/// The next request of this operation is refused with this body. `acts`: it is carried out all the same.
pub async fn provider_refuses(operation: &str, body: &Value, acts: bool) {
    let kind = if acts { "act_then_refuse" } else { "refuse" };
    let fault = json!({ "kind": kind, "operation": operation, "body": body });
    let answer = reqwest::Client::new().post(control("faults")).json(&fault).send().await.expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.status());
}

/// Somebody at the provider's dashboard gives so much of an order's charge back.
pub async fn refund_at_the_provider(order: &str, amount: u32) {
    let answer = reqwest::Client::new()
        .post(format!("{}/v1/refunds", env("PAYMENTS_URL")))
        .bearer_auth(env("PAYMENTS_KEY"))
        .form(&[("payment_intent", intent_of(order).await), ("amount", amount.to_string())])
        .send()
        .await
        .expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.status());
}

/// Whether the provider's events are sent or lost.
pub async fn provider_sends_webhooks(enabled: bool) {
    let change = json!({ "enabled": enabled });
    let answer =
        reqwest::Client::new().put(control("webhooks")).json(&change).send().await.expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.status());
}

/// From now on the provider works again.
pub async fn provider_recovers() {
    let answer = reqwest::Client::new().delete(control("faults")).send().await.expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.status());
}

/// How many requests the provider has seen.
pub async fn requests_to_provider() -> usize {
    let requests: Value =
        reqwest::get(control("requests")).await.expect("an answer").json().await.expect("a list");
    requests.as_array().expect("a list").len()
}

/// The customer passes the bank's check of an order's payment.
pub async fn customer_authenticates(order: &str) {
    let path = format!("intents/{}/settle", intent_of(order).await);
    let answer = reqwest::Client::new()
        .post(control(&path))
        .json(&json!({ "succeeds": true }))
        .send()
        .await
        .expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.status());
}

/// The customer's browser, left open, pays the order's intent with another card, past the shop.
pub async fn customer_pays_past_the_shop(order: &str, card: &str) {
    let url = format!("{}/v1/payment_intents/{}/confirm", env("PAYMENTS_URL"), intent_of(order).await);
    let answer = reqwest::Client::new()
        .post(url)
        .bearer_auth(env("PAYMENTS_KEY"))
        .form(&[("payment_method", card)])
        .send()
        .await
        .expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.status());
}

/// The provider's payment of an order.
pub async fn intent_of(order: &str) -> String {
    let ledger: Value =
        reqwest::get(control("ledger")).await.expect("an answer").json().await.expect("a ledger");
    let intents = ledger["intents"].as_array().expect("intents");
    let intent = intents.iter().find(|intent| intent["order_id"] == order).expect("the order's intent");
    intent["id"].as_str().expect("an id").to_owned()
}
