//! Orders that wait for their customer: paid in the end, or cancelled.

use serde_json::json;
use tests::{
    Call, Customer, charges_of, customer_authenticates, eventually, new_key, new_product, status_of, stock_of,
};
use uuid::Uuid;

/// The order, and the request that placed it.
async fn order_that_needs_authentication(customer: &Customer, product: &str) -> (String, Call) {
    let call = customer.checkout(&new_key(), product, 1, "pm_card_authenticationRequired");
    let answer = call.send().await.expect(202).json();
    assert_eq!(answer["status"], "action_required");
    assert!(answer["charge"]["client_secret"].is_string(), "{answer}");
    let again = call.settled().await.expect(202);
    assert_eq!((again.json(), again.header("idempotent-replayed")), (answer.clone(), "true"));
    let order = answer["order_id"].as_str().expect("an id").to_owned();
    let secret = &answer["charge"]["client_secret"];
    assert_eq!(customer.order(&order).await["charge"]["client_secret"], *secret);
    let query = json!({ "query": "{ orders(limit: 1) { clientSecret items { name } } }" });
    let asked = customer.call("graphql", "POST", "/api/graphql").json(&query).send().await.expect(200).json();
    assert_eq!(asked["data"]["orders"][0]["clientSecret"], *secret, "{asked}");
    (order, call)
}

fn cancel(customer: &Customer, order: &str) -> Call {
    customer.call("cancel-order", "POST", format!("/api/orders/{order}/cancel")).parameter("id", order)
}

#[tokio::test]
async fn an_order_is_paid_once_its_customer_authenticates() {
    let customer = Customer::register().await;
    let product = new_product(1250, 5).await;
    let (order, _) = order_that_needs_authentication(&customer, &product).await;
    assert!(charges_of(&order).await.is_empty());
    // The provider's webhook makes the order due; nobody asks for it here.
    customer_authenticates(&order).await;
    eventually("the payment", async || (status_of(&order).await == "paid").then_some(())).await;
    assert!(customer.order(&order).await["charge"]["client_secret"].is_null());
    assert_eq!(charges_of(&order).await.len(), 1);
    assert_eq!(stock_of(&product).await, 4);
}

#[tokio::test]
async fn a_cancelled_order_gives_its_stock_back_and_is_never_charged() {
    let customer = Customer::register().await;
    let product = new_product(1250, 5).await;
    let (order, checkout) = order_that_needs_authentication(&customer, &product).await;
    assert_eq!(stock_of(&product).await, 4);
    for _ in 0..2 {
        let answer = cancel(&customer, &order).settled().await.expect(200).json();
        assert_eq!(answer["status"], "cancelled");
    }
    let again = checkout.send().await.expect(200);
    assert_eq!(
        (again.json()["status"].as_str(), again.header("idempotent-replayed")),
        (Some("cancelled"), "true")
    );
    assert_eq!(stock_of(&product).await, 5);
    assert!(charges_of(&order).await.is_empty());
}

#[tokio::test]
async fn a_paid_order_cannot_be_cancelled_and_nobody_cancels_anothers() {
    let (buyer, stranger) = (Customer::register().await, Customer::register().await);
    let product = new_product(1250, 5).await;
    let order = buyer.buys(&product).await.expect(201).order();
    cancel(&buyer, &order).send().await.expect(409);
    cancel(&stranger, &order).send().await.expect(404);
    cancel(&buyer, &Uuid::now_v7().to_string()).send().await.expect(404);
    cancel(&buyer, "nonsense").send().await.expect(400);
    assert_eq!(status_of(&order).await, "paid");
}

#[tokio::test]
async fn a_forged_event_of_the_provider_is_refused() {
    let call = Call::new("payment-webhook", "POST", "/api/webhooks/payments").body(r#"{"id":"evt_1"}"#);
    call.send().await.expect(400);
    call.header("stripe-signature", "t=1795420800,v1=00").send().await.expect(400);
}
