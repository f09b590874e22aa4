//! Buying: what is charged, what is not, and what a repeated request gets.

use std::collections::BTreeSet;

use futures::future::join_all;
use futures::{StreamExt, stream};
use serde_json::json;
use tests::{Customer, charges_of, deadlocks, new_key, new_product, stock_of};
use uuid::Uuid;

#[tokio::test]
async fn a_customer_buys_at_the_catalogues_price_and_is_charged_once() {
    let customer = Customer::register().await;
    let product = new_product(1250, 10).await;
    let answer = customer.checkout(&new_key(), &product, 3, "pm_card_visa").send().await.expect(201);
    let body = answer.json();
    let order = body["order_id"].as_str().expect("an id");
    assert_eq!((&body["status"], &body["charge"]["status"]), (&json!("paid"), &json!("succeeded")));
    assert_eq!(answer.header("location"), format!("/api/orders/{order}"));

    let charges = charges_of(order).await;
    assert_eq!(charges.len(), 1);
    assert_eq!((charges[0].amount, json!(charges[0].id)), (3750, body["charge"]["id"].clone()));
    assert_eq!(stock_of(&product).await, 7);
    assert_eq!(customer.order(order).await["total"], json!({ "amount": 3750, "currency": "usd" }));
}

#[tokio::test]
async fn a_customer_who_was_shown_another_price_is_not_charged() {
    let customer = Customer::register().await;
    let product = new_product(2399, 10).await;
    let cart = |amount| {
        let items = json!([{ "product_id": product, "quantity": 2 }]);
        let expected = json!({ "amount": amount, "currency": "usd" });
        let cart = json!({ "items": items, "payment_method": "pm_card_visa", "expected_total": expected });
        customer.checkout_of(&new_key(), &cart)
    };
    let refused = cart(2399).send().await.expect(409).json();
    assert_eq!(refused["type"], "urn:millrace:problem:total-changed");
    assert_eq!((&refused["expected"]["amount"], &refused["actual"]["amount"]), (&json!(2399), &json!(4798)));
    assert_eq!(stock_of(&product).await, 10);
    let bought = cart(4798).send().await.expect(201).json();
    assert_eq!(bought["total"], json!({ "amount": 4798, "currency": "usd" }));
    assert_eq!(cart(-1).send().await.expect(422).json()["errors"][0]["field"], "expected_total.amount");
}

#[tokio::test]
async fn a_declined_card_fails_the_order_and_releases_its_stock() {
    let customer = Customer::register().await;
    let product = new_product(1250, 10).await;
    let key = new_key();
    let call = customer.checkout(&key, &product, 3, "pm_card_visa_chargeDeclined");
    let answer = call.send().await.expect(402);
    let declined = answer.json();
    assert_eq!(declined["type"], "urn:millrace:problem:payment-declined");
    let order = declined["order_id"].as_str().expect("an id");
    assert_eq!(answer.header("location"), format!("/api/orders/{order}"));
    assert!(charges_of(order).await.is_empty());
    assert_eq!(stock_of(&product).await, 10);
    assert_eq!(customer.order(order).await["status"], "failed");
    // Declined cards are the customers' matter, not the provider's: three of them must not open the breaker.
    for _ in 0..4 {
        customer.checkout(&new_key(), &product, 1, "pm_card_visa_chargeDeclined").send().await.expect(402);
    }
    customer.buys(&product).await.expect(201);
    // And the first answer stays the answer.
    let again = call.send().await.expect(402);
    assert_eq!(
        (again.json()["order_id"].as_str(), again.header("idempotent-replayed")),
        (Some(order), "true")
    );
}

#[tokio::test]
async fn an_order_of_more_than_is_left_is_refused_by_line_and_takes_nothing() {
    let customer = Customer::register().await;
    let (plenty, scarce) = (new_product(100, 10).await, new_product(100, 2).await);
    let cart = json!({
        "items": [{ "product_id": plenty, "quantity": 1 }, { "product_id": scarce, "quantity": 3 }],
        "payment_method": "pm_card_visa"
    });
    let refused = customer.checkout_of(&new_key(), &cart).send().await.expect(409).json();
    assert_eq!(refused["type"], "urn:millrace:problem:out-of-stock");
    assert_eq!(refused["errors"], json!([{ "field": "items[1].quantity", "message": "only 2 left" }]));
    assert_eq!((stock_of(&plenty).await, stock_of(&scarce).await), (10, 2));
}

#[tokio::test]
async fn a_product_that_does_not_exist_is_refused_by_line() {
    let customer = Customer::register().await;
    let nothing = Uuid::now_v7().to_string();
    let refused = customer.checkout(&new_key(), &nothing, 1, "pm_card_visa").send().await.expect(422).json();
    assert_eq!(refused["errors"][0]["field"], "items[0].product_id");
}

#[tokio::test]
async fn the_same_key_and_body_get_the_first_answer_and_no_second_order() {
    let customer = Customer::register().await;
    let product = new_product(1250, 10).await;
    let key = new_key();
    let first = customer.checkout(&key, &product, 1, "pm_card_visa").send().await.expect(201).json();
    // Quoted as the IETF draft writes it, it is the same key.
    for key in [key.clone(), format!("\"{key}\"")] {
        let again = customer.checkout(&key, &product, 1, "pm_card_visa").send().await.expect(201);
        assert_eq!((again.json(), again.header("idempotent-replayed")), (first.clone(), "true"));
    }
    assert_eq!(stock_of(&product).await, 9);
    assert_eq!(charges_of(first["order_id"].as_str().expect("an id")).await.len(), 1);
}

#[tokio::test]
async fn a_key_with_another_body_is_refused_and_belongs_to_its_customer_alone() {
    let (customer, other) = (Customer::register().await, Customer::register().await);
    let product = new_product(1250, 10).await;
    let key = new_key();
    let first = customer.checkout(&key, &product, 1, "pm_card_visa").send().await.expect(201).json();
    let reused = customer.checkout(&key, &product, 2, "pm_card_visa").send().await.expect(422).json();
    assert_eq!(reused["type"], "urn:millrace:problem:idempotency-key-reused");
    let others = other.checkout(&key, &product, 1, "pm_card_visa").send().await.expect(201).json();
    assert_ne!(others["order_id"], first["order_id"]);
}

#[tokio::test]
async fn fifty_submits_of_one_key_at_once_make_one_order_and_one_charge() {
    let customer = Customer::register().await;
    let product = new_product(1250, 100).await;
    let call = customer.checkout(&new_key(), &product, 1, "pm_card_visa");
    let answers = join_all((0..50).map(|_| call.send())).await;
    let mut orders = BTreeSet::new();
    for answer in answers {
        match answer.status {
            201 => drop(orders.insert(answer.order())),
            409 => {
                assert_eq!(answer.json()["type"], "urn:millrace:problem:request-in-progress");
                assert!(answer.header("location").starts_with("/api/orders/"));
                answer.header("retry-after");
            }
            other => panic!("{other}: {}", answer.text),
        }
    }
    let order = call.send().await.expect(201).order();
    orders.insert(order.clone());
    assert_eq!(orders.len(), 1);
    assert_eq!(charges_of(&order).await.len(), 1);
    assert_eq!(stock_of(&product).await, 99);
}

#[tokio::test]
async fn two_hundred_buyers_of_the_last_twenty_pieces_make_twenty_orders() {
    let (product, other) = (new_product(1250, 20).await, new_product(700, 1_000).await);
    let buyers = Customer::register_many(200).await;
    let deadlocks = deadlocks().await;
    // Every second one names the two products the other way round: whoever locks in that order meets the others head
    // on.
    let purchases = buyers.iter().enumerate().map(|(number, buyer)| {
        let mut items = vec![
            json!({ "product_id": product, "quantity": 1 }),
            json!({ "product_id": other, "quantity": 1 }),
        ];
        if number % 2 == 0 {
            items.reverse();
        }
        let call =
            buyer.checkout_of(&new_key(), &json!({ "items": items, "payment_method": "pm_card_visa" }));
        async move { call.send().await }
    });
    // Forty at a time: more than there are environments of checkout, so that some always wait.
    let answers: Vec<_> = stream::iter(purchases).buffer_unordered(40).collect().await;
    for answer in &answers {
        let refused = answer.status == 409 && answer.text.contains("urn:millrace:problem:out-of-stock");
        assert!(answer.status == 201 || refused, "{answer:?}");
    }
    let sold = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!((sold, stock_of(&product).await, stock_of(&other).await), (20, 0, 980));
    assert_eq!(self::deadlocks().await, deadlocks);
}

#[tokio::test]
async fn submits_of_one_key_for_the_last_piece_are_never_told_that_it_is_sold_out() {
    for _ in 0..5 {
        let customer = Customer::register().await;
        let product = new_product(1250, 1).await;
        let call = customer.checkout(&new_key(), &product, 1, "pm_card_visa");
        for answer in join_all((0..10).map(|_| call.send())).await {
            let running = answer.text.contains("urn:millrace:problem:request-in-progress");
            assert!(answer.status == 201 || (answer.status == 409 && running), "{answer:?}");
        }
        assert_eq!(stock_of(&product).await, 0);
    }
}

#[tokio::test]
async fn a_checkout_needs_a_login_a_key_and_a_sensible_body() {
    let customer = Customer::register().await;
    let product = new_product(1250, 10).await;
    let good =
        json!({ "items": [{ "product_id": product, "quantity": 1 }], "payment_method": "pm_card_visa" });
    let call = customer.call("checkout", "POST", "/api/checkout").json(&good);
    let missing = call.send().await.expect(400).json();
    assert_eq!(missing["type"], "urn:millrace:problem:idempotency-key-missing");
    for unreadable in ["a b", "cl\u{e9}"] {
        let refused = customer.checkout_of(unreadable, &good).send().await.expect(400);
        assert_eq!(refused.json()["errors"][0]["field"], "Idempotency-Key", "{unreadable}");
    }
    for (body, field) in [
        (json!({ "items": [], "payment_method": "pm_card_visa" }), "items"),
        (json!({ "items": good["items"], "payment_method": "4242424242424242" }), "payment_method"),
        (
            json!({ "items": [{ "product_id": product, "quantity": 0 }], "payment_method": "pm_x" }),
            "items[0].quantity",
        ),
        (json!({ "items": good["items"], "payment_method": "pm_x", "amount": 1 }), "amount"),
    ] {
        let refused = customer.checkout_of(&new_key(), &body).send().await.expect(422).json();
        assert_eq!(refused["errors"][0]["field"], field);
    }
    customer.checkout_of(&new_key(), &good).bearer("nonsense").send().await.expect(401);
    assert_eq!(stock_of(&product).await, 10);
}
