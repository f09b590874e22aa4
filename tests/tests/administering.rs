//! Running the shop: everybody's orders, what happened to them, and money given back.

use serde_json::{Value, json};
use shared::database::Statement;
use tests::{
    Answer, Call, Customer, administrator_with_account, charges_of, database, eventually, every_page,
    new_key, new_product, provider_failing, stock_of,
};
use uuid::Uuid;

struct Admin(String);

impl Admin {
    async fn new() -> Self {
        Self(administrator_with_account().await)
    }

    fn call(&self, function: &'static str, method: &'static str, path: impl Into<String>) -> Call {
        Call::new(function, method, path).bearer(&self.0)
    }

    async fn order(&self, id: &str) -> Value {
        let call = self.call("get-any-order", "GET", format!("/api/admin/orders/{id}"));
        call.parameter("id", id).send().await.expect(200).json()
    }

    async fn refund(&self, id: &str, key: &str, body: &Value) -> Answer {
        let call = self.call("refund-order", "POST", format!("/api/orders/{id}/refund"));
        call.parameter("id", id).header("idempotency-key", key).json(body).settled().await
    }

    fn list(&self, parameters: &[(&str, &str)]) -> Call {
        let call = self.call("list-all-orders", "GET", "/api/admin/orders");
        parameters.iter().fold(call, |call, (name, value)| call.query(name, *value))
    }
}

/// An order of three pieces at 1,000 each.
async fn paid(customer: &Customer, product: &str) -> String {
    customer.checkout(&new_key(), product, 3, "pm_card_visa").send().await.expect(201).order()
}

fn events(order: &Value) -> Vec<&str> {
    order["history"].as_array().expect("a list").iter().filter_map(|event| event["event"].as_str()).collect()
}

async fn given_back(order: &str) -> i64 {
    charges_of(order).await.iter().map(|charge| charge.amount_refunded).sum()
}

#[tokio::test]
async fn an_administrator_sees_whose_order_it_is_and_what_happened_to_it() {
    let (admin, customer, product) =
        (Admin::new().await, Customer::register().await, new_product(1000, 5).await);
    let id = paid(&customer, &product).await;
    let order = admin.order(&id).await;
    assert_eq!(order["customer"], json!({ "id": customer.id, "email": customer.email, "subject": null }));
    assert_eq!(events(&order), ["charging", "paid"]);
    assert_eq!(order["history"][0]["actor"], json!(customer.id));
    assert_eq!(order["history"][1].get("actor"), None);
    assert!(order["payment"]["intent_id"].as_str().expect("an id").starts_with("pi_"));
}

#[tokio::test]
async fn orders_are_listed_by_status_customer_and_time_over_all_pages() {
    let (admin, customer, product) =
        (Admin::new().await, Customer::register().await, new_product(1000, 20).await);
    let mut placed = Vec::new();
    for _ in 0..3 {
        placed.insert(0, paid(&customer, &product).await);
    }
    let id = customer.id.to_string();
    let pages = admin.list(&[("customer", &id), ("status", "paid"), ("limit", "2")]);
    let seen: Vec<_> = every_page(&pages, "orders").await.iter().map(|order| order["id"].clone()).collect();
    assert_eq!(seen, placed);
    for window in [("from", "2020-01-01T00:00:00Z"), ("until", "2100-01-01T00:00:00Z")] {
        let page = admin.list(&[("customer", &id), window]).send().await.expect(200).json();
        let ids: Vec<_> =
            page["orders"].as_array().expect("a list").iter().map(|order| order["id"].clone()).collect();
        assert_eq!(json!(ids), json!(placed), "{window:?}");
    }
    for nothing in [("status", "failed"), ("until", "2020-01-01T00:00:00Z"), ("from", "2100-01-01T00:00:00Z")]
    {
        let page = admin.list(&[("customer", &id), nothing]).send().await.expect(200).json();
        assert_eq!(page["orders"], json!([]), "{nothing:?}");
    }
    for (name, value) in [("status", "lost"), ("customer", "7"), ("from", "yesterday"), ("limit", "51")] {
        let problem = admin.list(&[(name, value)]).send().await.expect(400).json();
        let error = &problem["errors"][0];
        assert_eq!(error["field"], name, "{problem}");
        assert!(
            error["message"].as_str().is_some_and(|message| message.starts_with("must be ")),
            "{problem}"
        );
    }
}

#[tokio::test]
async fn customers_see_nothing_of_it() {
    let (customer, product) = (Customer::register().await, new_product(1000, 5).await);
    let id = paid(&customer, &product).await;
    for (function, method, path) in [
        ("list-all-orders", "GET", "/api/admin/orders".to_owned()),
        ("get-any-order", "GET", format!("/api/admin/orders/{id}")),
        ("refund-order", "POST", format!("/api/orders/{id}/refund")),
    ] {
        let call =
            |call: Call| call.parameter("id", &id).header("idempotency-key", new_key()).json(&json!({}));
        call(customer.call(function, method, path.clone())).send().await.expect(403);
        call(Call::new(function, method, path)).send().await.expect(401);
    }
    assert_eq!(given_back(&id).await, 0);
}

#[tokio::test]
async fn a_part_is_given_back_once_for_each_key_and_what_came_back_is_in_stock() {
    let (admin, customer, product) =
        (Admin::new().await, Customer::register().await, new_product(1000, 5).await);
    let id = paid(&customer, &product).await;
    let (first, body) =
        (new_key(), json!({ "amount": 1200, "returned": [{ "product_id": product, "quantity": 2 }] }));
    for repeated in [false, true] {
        let answer = admin.refund(&id, &first, &body).await.expect(200);
        assert_eq!(answer.json(), json!({ "order_id": id, "amount": 1200, "status": "succeeded" }));
        assert_eq!(answer.headers.contains_key("idempotent-replayed"), repeated, "{answer:?}");
    }
    assert_eq!((given_back(&id).await, stock_of(&product).await), (1200, 4));
    let problem = admin.refund(&id, &first, &json!({ "amount": 1 })).await.expect(422).json();
    assert_eq!(problem["type"], "urn:millrace:problem:idempotency-key-reused");
    // The rest, whatever that is.
    admin.refund(&id, &new_key(), &json!({})).await.expect(200);
    assert_eq!((given_back(&id).await, stock_of(&product).await), (3000, 4));
    let order = admin.order(&id).await;
    assert_eq!((&order["status"], &order["charge"]["refunded"]), (&json!("refunded"), &json!(3000)));
    let events = events(&order);
    for event in ["refund_pending", "refund_succeeded", "money_back"] {
        assert_eq!(events.iter().filter(|known| **known == event).count(), 2, "{event}: {events:?}");
    }
    admin.refund(&id, &new_key(), &json!({})).await.expect(409);
}

#[tokio::test]
async fn no_more_is_given_back_than_was_charged_and_no_more_comes_back_than_was_bought() {
    let (admin, customer, product) =
        (Admin::new().await, Customer::register().await, new_product(1000, 5).await);
    let (id, other) = (paid(&customer, &product).await, new_product(1000, 1).await);
    for amount in [0, -1, 3001] {
        let problem = admin.refund(&id, &new_key(), &json!({ "amount": amount })).await.expect(422).json();
        assert_eq!(problem["errors"][0]["field"], "amount", "{problem}");
    }
    let back = |product: &str, quantity: i32| json!({ "amount": 1, "returned": [{ "product_id": product, "quantity": quantity }] });
    for body in [back(&product, 4), back(&other, 1)] {
        let problem = admin.refund(&id, &new_key(), &body).await.expect(422).json();
        assert_eq!(problem["errors"][0]["field"], "returned[0].quantity", "{problem}");
    }
    admin.refund(&id, &new_key(), &back(&product, 2)).await.expect(200);
    admin.refund(&id, &new_key(), &back(&product, 2)).await.expect(422);
    assert_eq!((given_back(&id).await, stock_of(&product).await), (1, 4));
    admin.refund("01900000-0000-7000-a000-ffffffffffff", &new_key(), &json!({})).await.expect(404);
}

#[tokio::test]
async fn money_that_went_another_way_is_written_down_and_the_provider_is_not_asked() {
    let (admin, customer, product) =
        (Admin::new().await, Customer::register().await, new_product(1000, 5).await);
    let id = paid(&customer, &product).await;
    let (first, body) = (new_key(), json!({ "amount": 1000, "by_other_means": true }));
    for repeated in [false, true] {
        let answer = admin.refund(&id, &first, &body).await.expect(200);
        assert_eq!(answer.json(), json!({ "order_id": id, "amount": 1000, "status": "succeeded" }));
        assert_eq!(answer.headers.contains_key("idempotent-replayed"), repeated, "{answer:?}");
    }
    let order = admin.order(&id).await;
    assert_eq!((&order["status"], &order["charge"]["refunded"]), (&json!("paid"), &json!(1000)));
    admin.refund(&id, &new_key(), &json!({ "by_other_means": true })).await.expect(200);
    let order = admin.order(&id).await;
    assert_eq!((&order["status"], &order["charge"]["refunded"]), (&json!("refunded"), &json!(3000)));
    let noted = order["history"].as_array().expect("a history");
    assert_eq!(noted.iter().filter(|entry| entry["note"] == "by other means").count(), 2, "{order}");
    assert_eq!(given_back(&id).await, 0);
}

#[tokio::test]
async fn of_many_refunds_at_once_no_more_is_given_back_than_was_charged() {
    let (admin, customer, product) =
        (Admin::new().await, Customer::register().await, new_product(1000, 5).await);
    let id = paid(&customer, &product).await;
    let (body, same) = (json!({ "amount": 2000 }), new_key());
    let keys: Vec<String> = (0..8).map(|at| if at < 4 { same.clone() } else { new_key() }).collect();
    let answers = keys.iter().map(|key| admin.refund(&id, key, &body));
    for answer in futures::future::join_all(answers).await {
        assert!([200, 202, 409, 422].contains(&answer.status), "{}", answer.text);
    }
    assert_eq!(given_back(&id).await, 2000);
}

#[tokio::test]
async fn while_the_provider_is_away_a_refund_is_written_down_and_made_later() {
    static HURRY: Statement =
        Statement::new("tests.hurry", "update orders set next_attempt_at = now() where id = $1");
    let (admin, customer, product) =
        (Admin::new().await, Customer::register().await, new_product(1000, 5).await);
    let id = paid(&customer, &product).await;
    let failing = provider_failing().await;
    let body = json!({ "amount": 500, "returned": [{ "product_id": product, "quantity": 1 }] });
    let answer = admin.refund(&id, &new_key(), &body).await.expect(202).json();
    assert_eq!((&answer["status"], stock_of(&product).await), (&json!("pending"), 2));
    drop(failing);
    let order: Uuid = id.parse().expect("an id");
    eventually("the refund", async || {
        database().execute(HURRY.bind(order)).await.expect("updates");
        tests::invoke("order-sweeper", &json!({})).await;
        (stock_of(&product).await == 3).then_some(())
    })
    .await;
    assert_eq!(given_back(&id).await, 500);
    let refunded = admin.order(&id).await["charge"]["refunded"].clone();
    assert_eq!(refunded, 500);
}
