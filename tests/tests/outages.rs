//! Buying while the payment provider is away, and without Redis: later, but once.

use std::time::Duration;

use serde_json::Value;
use shared::database::Statement;
use tests::{
    Customer, charges_of, cost_of, database, dev, eventually, new_product, pause_postgres, provider_fails,
    provider_recovers, requests_to_provider, status_of, stock_of,
};

/// Enough for the breaker's longest interval, when it is the default's 60 s, and for the schedule's minute.
const PATIENCE: Duration = Duration::from_secs(200);

async fn order_placed(customer: &Customer, product: &str) -> String {
    let answer = customer.buys(product).await.expect(202).json();
    assert_eq!(answer["charge"]["id"], "pending");
    answer["order_id"].as_str().expect("an id").to_owned()
}

async fn all_paid_once(customer: &Customer, orders: &[String]) {
    for order in orders {
        eventually("an order's payment", PATIENCE, async || {
            let status = status_of(order).await;
            assert!(["deferred", "charging", "paid"].contains(&status.as_str()), "{status}");
            (status == "paid").then_some(())
        })
        .await;
        assert_eq!(customer.order(order).await["charge"]["status"], "succeeded");
        assert_eq!(charges_of(order).await.len(), 1, "{order}");
    }
    // For the tests that follow: the breaker closes once enough probes have succeeded.
    let product = new_product(100, 100).await;
    eventually("a purchase paid at once", PATIENCE, async || {
        let customer = Customer::register().await;
        (customer.buys(&product).await.status == 201).then_some(())
    })
    .await;
}

#[tokio::test]
async fn three_failures_open_the_breaker_and_the_orders_are_paid_once_it_closes() {
    let customer = Customer::register().await;
    let product = new_product(1250, 100).await;
    customer.buys(&product).await.expect(201);

    provider_fails().await;
    let mut orders = Vec::new();
    for _ in 0..3 {
        orders.push(order_placed(&customer, &product).await);
    }
    let seen = requests_to_provider().await;
    let cost = cost_of(3, async || orders.push(order_placed(&customer, &product).await)).await;
    assert_eq!(cost.provider_calls, 0, "{cost:?}");
    assert_eq!((cost.redis_round_trips, cost.statement_count()), (1, 1), "{cost:?}");
    assert!(requests_to_provider().await <= seen + 1, "an open breaker lets a probe through, no more");

    provider_recovers().await;
    all_paid_once(&customer, &orders).await;
    assert_eq!(stock_of(&product).await, 100 - 1 - 6);
}

#[tokio::test]
async fn killing_redis_in_the_middle_of_an_outage_changes_nothing() {
    let customer = Customer::register().await;
    let product = new_product(1250, 100).await;
    customer.buys(&product).await.expect(201);

    provider_fails().await;
    let mut orders = Vec::new();
    for _ in 0..3 {
        orders.push(order_placed(&customer, &product).await);
    }
    dev(&["stop", "redis"]);
    // Without Redis the environment's own breaker and limiter take over.
    orders.push(order_placed(&customer, &product).await);
    let list: Value = customer.call("list-orders", "GET", "/api/orders").send().await.expect(200).json();
    assert_eq!(list["orders"].as_array().expect("orders").len(), 5);
    dev(&["start", "redis"]);

    provider_recovers().await;
    all_paid_once(&customer, &orders).await;
}

#[tokio::test]
async fn products_are_read_and_changed_without_redis() {
    let customer = Customer::register().await;
    let id = new_product(1000, 1).await;
    let read = customer.call("get-product", "GET", format!("/api/products/{id}")).parameter("id", &id);
    read.send().await.expect(200);
    dev(&["stop", "redis"]);
    for _ in 0..3 {
        read.send().await.expect(200);
    }
    dev(&["start", "redis"]);
    read.send().await.expect(200);
}

#[tokio::test]
async fn while_postgres_stands_still_requests_are_told_to_come_back_and_afterwards_all_is_well() {
    static OPEN: Statement = Statement::new(
        "tests.open",
        "select count(*) from pg_stat_activity where usename = 'millrace_app' and xact_start is not null",
    );
    let customer = Customer::register().await;
    let product = new_product(1000, 10).await;
    let cached =
        customer.call("get-product", "GET", format!("/api/products/{product}")).parameter("id", &product);
    cached.send().await.expect(200);
    let list = customer.call("list-orders", "GET", "/api/orders");
    list.send().await.expect(200);

    let paused = pause_postgres().await;
    for _ in 0..3 {
        let answer = list.send().await.expect(503);
        assert!(!answer.header("retry-after").is_empty());
        cached.send().await.expect(200);
    }
    customer.buys(&product).await.expect(503);
    drop(paused);

    eventually("an order list", PATIENCE, async || (list.send().await.status == 200).then_some(())).await;
    customer.buys(&product).await.expect(201);
    eventually("an end to every transaction", PATIENCE, async || {
        let (open,): (i64,) = database().fetch_one(&OPEN).await.expect("counts");
        (open == 0).then_some(())
    })
    .await;
}
