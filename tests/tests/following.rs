//! What the provider says, as the shop hears it: refusals that are not declines, and what happens to a payment
//! afterwards.

use provider::Operation;
use serde_json::{Value, json};
use shared::payments::{Secret, webhook};
use tests::{
    Answer, Call, Customer, Logs, charges_of, env, eventually, intent_of, new_product,
    provider_failing_for_ever, provider_refusing, refund_at_the_provider, status_of, stock_of,
};
use time::OffsetDateTime;
use uuid::Uuid;

/// The provider's event, signed.
async fn event(event: &Value) -> Answer {
    let (secret, body) = (Secret::new(env("PAYMENTS_WEBHOOK_SECRET")), event.to_string());
    let signature = webhook::sign(&secret, body.as_bytes(), OffsetDateTime::now_utc());
    let call = Call::new("payment-webhook", "POST", "/api/webhooks/payments");
    call.header(webhook::SIGNATURE_HEADER, signature).body(&body).send().await
}

#[tokio::test]
async fn an_event_of_another_secret_is_warned_of_and_counted() {
    let logs = Logs::from_now();
    let body = json!({ "id": "evt_of_another_secret" }).to_string();
    let signature =
        webhook::sign(&Secret::new("whsec_of_another_endpoint"), body.as_bytes(), OffsetDateTime::now_utc());
    let call = Call::new("payment-webhook", "POST", "/api/webhooks/payments");
    let answer = call.header(webhook::SIGNATURE_HEADER, signature).body(&body).send().await.expect(400);
    let line = logs.line_of(&answer).await;
    assert_eq!(line["EventsRefused"], 1, "{line}");
    let id = answer.header("x-request-id");
    let warned = |line: &Value| line["request_id"] == id && line["level"] == "WARN";
    let warning = logs.line("the warning", warned).await;
    assert!(warning["message"].as_str().expect("words").contains("PAYMENTS_WEBHOOK_SECRET"), "{warning}");
    assert!(!warning.to_string().contains("evt_of_another_secret"), "{warning}");
}

#[tokio::test]
async fn a_mistake_in_the_shops_setup_keeps_the_order_waiting_and_is_told_to_an_operator() {
    let (customer, product) = (Customer::register().await, new_product(1250, 5).await);
    let logs = Logs::from_now();
    let refusal = json!({ "error": { "type": "invalid_request_error", "message": "Invalid API version" } });
    let refusing = provider_refusing(Operation::Create, refusal, false).await;
    let answer = customer.buys(&product).await.expect(202).json();
    drop(refusing);
    assert_eq!(answer["status"], "deferred");
    assert!(answer["deadline"].is_string(), "{answer}");
    let order = answer["order_id"].as_str().expect("an id");
    // It may still be charged, so its customer cannot leave.
    let stays = customer.call("delete-me", "DELETE", "/api/me").send().await.expect(409).json();
    assert_eq!(
        stays["detail"],
        "An order of yours is not paid yet. Cancel it, or wait until it is paid; then delete the account."
    );
    let told = |line: &Value| line["level"] == "ERROR" && line["order"] == order;
    let line = logs.line("the operator's line", told).await;
    assert!(line["message"].as_str().expect("words").ends_with("status 400: Invalid API version"), "{line}");
    let counted = |line: &Value| line["Route"] == "POST /api/checkout" && line["OperatorNeeded"].is_number();
    logs.line("the alarm's metric", counted).await;
    assert_eq!(stock_of(&product).await, 4);
}

#[tokio::test]
async fn a_charge_that_a_proxy_forwarded_and_refused_pays_the_order() {
    let (customer, product) = (Customer::register().await, new_product(1250, 5).await);
    let refusal = json!({ "error": { "type": "invalid_request_error" } });
    let _refusing = provider_refusing(Operation::Create, refusal, true).await;
    let order = customer.buys(&product).await.expect(201).order();
    assert_eq!(charges_of(&order).await.len(), 1);
}

#[tokio::test]
async fn a_refund_at_the_provider_is_shown_to_its_customer() {
    let (customer, product) = (Customer::register().await, new_product(1250, 5).await);
    let order = customer.buys(&product).await.expect(201).order();
    // The provider's own webhook makes the order due.
    refund_at_the_provider(&order, 500).await;
    eventually("a part of the money", async || {
        let shown = customer.order(&order).await;
        (shown["charge"]["refunded"] == 500 && shown["status"] == "paid").then_some(())
    })
    .await;
    refund_at_the_provider(&order, 750).await;
    eventually("the rest", async || (status_of(&order).await == "refunded").then_some(())).await;
    assert_eq!(stock_of(&product).await, 4);
}

/// One object with the members of two.
fn merged(one: &Value, other: &Value) -> Value {
    let members = [one, other].into_iter().filter_map(Value::as_object).flatten();
    members.map(|(name, value)| (name.clone(), value.clone())).collect::<serde_json::Map<_, _>>().into()
}

#[tokio::test]
async fn a_dispute_and_a_warning_call_an_operator_and_the_order_says_that_it_is_disputed() {
    let (customer, product) = (Customer::register().await, new_product(1250, 5).await);
    let order = customer.buys(&product).await.expect(201).order();
    let intent = intent_of(&order).await;
    // Those of a payment that was made in another way name its charge alone.
    let charge = customer.order(&order).await["charge"]["id"].clone();
    let names = [json!({ "payment_intent": intent }), json!({ "payment_intent": null, "charge": charge })];
    for (kind, object, why) in [
        (
            "charge.dispute.created",
            json!({ "object": "dispute", "status": "needs_response" }),
            "disputes the charge",
        ),
        ("radar.early_fraud_warning.created", json!({ "object": "radar.early_fraud_warning" }), "fraudulent"),
    ]
    .into_iter()
    .flat_map(|(kind, object, why)| names.clone().map(|names| (kind, merged(&object, &names), why)))
    {
        let logs = Logs::from_now();
        let sent = json!({ "id": "evt_1", "type": kind, "created": 1, "data": { "object": object } });
        event(&sent).await.expect(204);
        let told = |line: &Value| line["level"] == "ERROR" && line["order"] == order;
        let line = logs.line("the operator's line", told).await;
        assert!(line["message"].as_str().expect("words").contains(why), "{line}");
    }
    assert_eq!(customer.order(&order).await["charge"]["disputed"], true);
}

#[tokio::test]
async fn whatever_the_provider_has_signed_is_taken_and_told_where_it_is_not_for_us() {
    let object = json!({ "object": "charge", "payment_intent": "pi_of_another_shop" });
    for sent in [
        json!({ "id": "evt_thin", "object": "v2.core.event", "type": "v1.billing.meter.no_meter_found",
            "created": "2026-11-28T05:53:17Z" }),
        json!({ "id": "evt_other", "type": "charge.refunded", "created": 1, "data": { "object": object } }),
        json!({ "nothing": Uuid::now_v7() }),
    ] {
        let logs = Logs::from_now();
        let answer = event(&sent).await.expect(204);
        let id = answer.header("x-request-id").to_owned();
        let told = |line: &Value| line["level"] == "WARN" && line["request_id"] == id;
        logs.line("a warning", told).await;
    }
}

#[tokio::test]
async fn a_dispute_that_may_be_of_an_order_which_has_not_heard_of_its_payment_has_to_come_again() {
    let (customer, product) = (Customer::register().await, new_product(1250, 5).await);
    let dispute = json!({ "object": "dispute", "status": "needs_response", "payment_intent": "pi_unheard" });
    let disputed = async |created: i64| {
        let object = &dispute;
        event(&json!({ "id": "evt_1", "type": "charge.dispute.created", "created": created,
            "data": { "object": object } }))
        .await
    };
    let failing = provider_failing_for_ever(Operation::Create, false).await;
    customer.buys(&product).await.expect(202);
    drop(failing);
    let again = disputed(OffsetDateTime::now_utc().unix_timestamp()).await.expect(503);
    assert_eq!(again.header("retry-after"), "60");
    // What happened before anybody asked for a payment is another program's.
    disputed(1).await.expect(204);
}

#[tokio::test]
async fn a_cart_is_held_to_what_the_provider_charges_and_a_free_one_is_paid_without_it() {
    let customer = Customer::register().await;
    let (cheap, gift) = (new_product(49, 5).await, new_product(0, 5).await);
    let refused = customer.buys(&cheap).await.expect(422).json();
    assert_eq!(refused["errors"], json!([{ "field": "items", "message": "must come to at least 0.50 usd" }]));
    assert_eq!(stock_of(&cheap).await, 5);
    let order = customer.buys(&gift).await.expect(201).json();
    assert_eq!(order["charge"], json!({ "id": "none", "status": "not_needed" }));
    assert_eq!(stock_of(&gift).await, 4);
}
