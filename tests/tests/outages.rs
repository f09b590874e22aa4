//! Buying while the payment provider is away, and without Redis: later, but once.

use std::time::Duration;

use provider::Operation;
use serde_json::{Value, json};
use shared::catalog::INVALIDATION_LOST;
use shared::database::Statement;
use tests::{
    Call, Customer, Logs, administrator, ask_redis, away, breaker_forced, charges_of, cost_of,
    customer_authenticates, customer_pays_past_the_shop, database, dev, eventually, get_product, invoke,
    new_key, new_product, orders_by_hand, pause_postgres, priced, provider_failing,
    provider_failing_for_ever, provider_slow, redis_refuses, requests_to_provider, status_of, stock_of,
    update_product, webhooks_lost,
};
use uuid::Uuid;

/// The order whose payment is about to be confirmed.
static PLACED: Statement = Statement::new(
    "tests.placed",
    "select id::text from orders join payments on order_id = id where user_id = $1 and status = 'charging' and attempt = 1",
);

async fn order_placed(customer: &Customer, product: &str) -> String {
    let answer = customer.buys(product).await.expect(202);
    assert_eq!(answer.json()["charge"]["id"], "pending");
    answer.order()
}

async fn all_paid_once(customer: &Customer, orders: &[String]) {
    for order in orders {
        eventually("an order's payment", async || {
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
    eventually("a purchase paid at once", async || {
        let customer = Customer::register().await;
        (customer.buys(&product).await.status == 201).then_some(())
    })
    .await;
}

/// A bucket of the provider's tokens that is empty, and was so at a time far from now: nothing has flowed in since.
const NO_TOKENS: &str = "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\u{7f}\0\0\0\0\0\0\0";

#[tokio::test]
async fn an_order_over_the_providers_limit_is_answered_at_once_and_charged_in_its_turn() {
    let customer = Customer::register().await;
    let product = new_product(1250, 100).await;
    customer.buys(&product).await.expect(201);
    let (logs, before) = (Logs::from_now(), requests_to_provider().await);
    ask_redis(&["SET", "tokens:payments:create", NO_TOKENS]);
    let answer = customer.buys(&product).await.expect(202);
    assert_eq!(answer.json()["status"], "deferred");
    assert_eq!(answer.json()["charge"]["waits_for"], "providers_limit");
    assert_eq!(logs.line_of(&answer).await["ProviderHeldBack"], 1);
    all_paid_once(&customer, &[answer.order()]).await;
    assert!(requests_to_provider().await > before);
    // While the breaker is open the answer says so.
    let _open = breaker_forced("force-open", "payments");
    let answer = customer.buys(&product).await.expect(202).json();
    assert_eq!(answer["charge"]["waits_for"], "provider");
}

#[tokio::test]
async fn three_failures_open_the_breaker_and_the_orders_are_paid_once_it_closes() {
    let customer = Customer::register().await;
    let product = new_product(1250, 100).await;
    customer.buys(&product).await.expect(201);

    let failing = provider_failing().await;
    let mut orders = Vec::new();
    for _ in 0..3 {
        orders.push(order_placed(&customer, &product).await);
    }
    // Of three at least one is not a probe.
    let cost = cost_of(3, async || orders.push(order_placed(&customer, &product).await)).await;
    assert_eq!(cost.provider_calls, 0, "{cost:?}");
    assert_eq!((cost.redis_round_trips, cost.statement_count()), (1, 1), "{cost:?}");

    drop(failing);
    all_paid_once(&customer, &orders).await;
    assert_eq!(stock_of(&product).await, 100 - 1 - 6);
}

#[tokio::test]
async fn a_long_backlog_is_nudged_a_hundred_at_a_time_until_the_provider_is_well() {
    static DUE: Statement =
        Statement::new("tests.due", "update orders set next_attempt_at = now() where user_id = $1");
    let nudged = async || {
        invoke("order-sweeper", &json!({})).await["orders"].as_u64().expect("how many orders it nudged")
    };
    let user = Customer::register().await.id;
    // Neither the worker nor the schedule may come between.
    let _away = away("dispatcher");
    let _forced = breaker_forced("force-open", "payments");
    // Gone before the others are back.
    let _orders = orders_by_hand(user, 120).await;
    assert_eq!(nudged().await, 100);

    dev(&["breaker", "force-close", "payments"]);
    database().execute(DUE.bind(user)).await.expect("they are due again");
    let all = nudged().await;
    assert!(all >= 120, "{all}");
}

#[tokio::test]
async fn orders_are_nudged_also_where_nobody_can_tell_which_products_changed() {
    static HOLD: Statement =
        Statement::new("tests.hold_announced", "lock table products_announced in access exclusive mode");
    static NUDGED: Statement =
        Statement::new("tests.nudged", "select next_attempt_at > now() from orders where user_id = $1");
    let user = Customer::register().await.id;
    // Neither the worker nor the schedule may come between.
    let _away = away("dispatcher");
    // Gone before the others are back.
    let _order = orders_by_hand(user, 1).await;
    let held = database().transaction(async |tx| {
        tx.execute(&HOLD).await?;
        Ok::<_, shared::database::Error>(invoke("order-sweeper", &json!({})).await)
    });
    let swept = held.await.expect("commits");
    assert!(swept["errorMessage"].is_string(), "the sweep as a whole has failed: {swept}");
    let (nudged,): (bool,) = database().fetch_one(NUDGED.bind(user)).await.expect("answers");
    assert!(nudged);
}

#[tokio::test]
async fn killing_redis_in_the_middle_of_an_outage_changes_nothing() {
    let customer = Customer::register().await;
    let product = new_product(1250, 100).await;
    customer.buys(&product).await.expect(201);

    let failing = provider_failing().await;
    let mut orders = Vec::new();
    for _ in 0..3 {
        orders.push(order_placed(&customer, &product).await);
    }
    let redis = away("redis");
    // Without Redis the environment's own breaker and limiter take over.
    orders.push(order_placed(&customer, &product).await);
    let list: Value = customer.call("list-orders", "GET", "/api/orders").send().await.expect(200).json();
    assert_eq!(list["orders"].as_array().expect("orders").len(), 5);
    drop(redis);

    drop(failing);
    all_paid_once(&customer, &orders).await;
}

#[tokio::test]
async fn products_are_read_and_changed_without_redis() {
    let customer = Customer::register().await;
    let id = new_product(1000, 1).await;
    let read = get_product(&id).bearer(&customer.token);
    read.send().await.expect(200);
    let shown = async || read.send().await.expect(200).json()["price"]["amount"].as_i64();
    let redis = away("redis");
    for price in [1001, 1002, 1003] {
        update_product(&id, &priced(price)).send().await.expect(200);
        assert_eq!(shown().await, Some(price));
    }
    drop(redis);
    // It comes back empty.
    assert_eq!(shown().await, Some(1003));
}

static ANNOUNCED: Statement = Statement::new("tests.announced", "select until::text from products_announced");

/// A list that holds products may be as old as a product, and whoever changes one must not believe that all know of it.
#[tokio::test]
async fn an_eviction_of_a_list_that_redis_did_not_confirm_counts_as_lost() {
    let id = new_product(1000, 1).await;
    let update = update_product(&id, &priced(1000));
    let lost = async || invoke("order-sweeper", &json!({})).await["lost"].as_u64();
    let announced = async || database().fetch_one::<(String,)>(&ANNOUNCED).await.expect("answers").0;
    update.send().await.expect(200);
    let known = announced().await;
    assert_eq!(lost().await, Some(0));
    assert_ne!(announced().await, known);
    for cache in ["cache:featured:", "cache:{search}"] {
        let (broken, logs) = (redis_refuses(cache), Logs::from_now());
        update.send().await.expect(200);
        let right = |line: &Value| line["message"] == INVALIDATION_LOST && line["product"] == id.as_str();
        logs.line("a word of the loss", right).await;
        assert!(lost().await >= Some(1), "{cache}");
        let known = announced().await;
        assert!(lost().await >= Some(1), "{cache}, until Redis confirms");
        assert_eq!(announced().await, known);
        drop(broken);
        assert_eq!(lost().await, Some(0), "{cache}");
    }
}

#[tokio::test]
async fn a_product_that_is_in_stock_again_and_that_redis_did_not_hear_of_stands_in_the_log() {
    let id = new_product(1000, 0).await;
    let set = Call::new("set-stock", "PUT", format!("/api/products/{id}/stock")).parameter("id", &id);
    let set = set.bearer(&administrator()).json(&json!({ "available": 1 }));
    let (broken, logs) = (redis_refuses("cache:product:"), Logs::from_now());
    set.send().await.expect(200);
    let right = |line: &Value| line["message"] == INVALIDATION_LOST && line["product"] == id.as_str();
    logs.line("a word of the loss", right).await;
    drop(broken);
}

#[tokio::test]
async fn while_postgres_stands_still_requests_are_told_to_come_back_and_afterwards_all_is_well() {
    static OPEN: Statement = Statement::new(
        "tests.open",
        "select count(*) from pg_stat_activity where usename = 'millrace_app' and xact_start is not null",
    );
    let customer = Customer::register().await;
    let product = new_product(1000, 10).await;
    let cached = get_product(&product).bearer(&customer.token);
    cached.send().await.expect(200);
    let list = customer.call("list-orders", "GET", "/api/orders");
    list.send().await.expect(200);

    let (paused, logs) = (pause_postgres(), Logs::from_now());
    let asked = Call::new("graphql", "POST", "/api/graphql").json(&json!({ "query": "{ products { id } }" }));
    let answer = asked.send().await.expect(200);
    assert_eq!(logs.line_of(&answer).await["StatusClass"], "5xx", "an alarm sees it");
    let asked = asked.header("accept", "application/graphql-response+json").send().await.expect(503);
    assert!(!asked.header("retry-after").is_empty() && asked.json().get("data").is_none(), "{}", asked.text);
    for _ in 0..3 {
        let answer = list.send().await.expect(503);
        assert!(!answer.header("retry-after").is_empty());
        cached.send().await.expect(200);
    }
    let told = customer.buys(&product).await.expect(503);
    assert!(
        told.json()["detail"].as_str().is_some_and(|text| text.starts_with("The order may have been placed")),
        "{told:?}"
    );
    // Nobody sees the answer to an event.
    tests::invoke("order-sweeper", &json!({})).await;
    let failed = |line: &Value| {
        let said = line["message"].as_str().unwrap_or_default();
        line["level"] == "ERROR" && said.starts_with("the event failed: ") && line["cause"] != ""
    };
    logs.line("why an event failed", failed).await;
    drop(paused);

    eventually("an order list", async || (list.send().await.status == 200).then_some(())).await;
    customer.buys(&product).await.expect(201);
    eventually("an end to every transaction", async || {
        let (open,): (i64,) = database().fetch_one(&OPEN).await.expect("counts");
        (open == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_worker_that_can_charge_nothing_fails_and_one_whose_messages_are_at_fault_gives_them_back() {
    let nudge = json!({ "order_id": Uuid::now_v7() }).to_string();
    let worked = async |bodies: &[&str]| {
        let records =
            (1..).zip(bodies).map(|(id, body)| json!({ "messageId": id.to_string(), "body": body }));
        invoke("charge-worker", &json!({ "Records": records.collect::<Vec<_>>() })).await
    };
    let given_back = |ids: &[&str]| {
        let ids: Vec<_> = ids.iter().map(|id| json!({ "itemIdentifier": id })).collect();
        json!({ "batchItemFailures": ids })
    };
    assert_eq!(worked(&["words", &nudge]).await, given_back(&["1"]));
    assert_eq!(worked(&["words"]).await, given_back(&["1"]));
    let paused = pause_postgres();
    let failed = worked(&[&nudge, &nudge]).await;
    assert_eq!(failed["errorMessage"], "none of the orders could be charged", "its alarm sees it");
    assert_eq!(worked(&["words", &nudge]).await, given_back(&["1", "2"]));
    drop(paused);
    assert_eq!(worked(&[&nudge]).await, given_back(&[]));
}

#[tokio::test]
async fn who_was_charged_while_postgres_went_away_is_told_perhaps_and_learns_it_under_the_same_key() {
    let customer = Customer::register().await;
    let product = new_product(1000, 10).await;
    customer.buys(&product).await.expect(201);

    let slow = provider_slow(Operation::Create, Duration::from_millis(3500)).await;
    let call = customer.checkout(&new_key(), &product, 1, "pm_card_visa");
    let bought = tokio::spawn({
        let call = call.clone();
        async move { call.send().await }
    });
    let (order,) = eventually("the order", async || {
        database().fetch_optional::<(String,)>(PLACED.bind(customer.id)).await.expect("looks")
    })
    .await;
    let paused = pause_postgres();
    let told = bought.await.expect("an answer").expect(503);
    assert!(
        told.json()["detail"].as_str().is_some_and(|text| text.starts_with("The order may have been placed")),
        "{told:?}"
    );
    drop((paused, slow));
    assert_eq!(charges_of(&order).await.len(), 1, "it was");

    eventually("the order's end", async || {
        invoke("order-sweeper", &json!({})).await;
        (status_of(&order).await == "paid").then_some(())
    })
    .await;
    assert_eq!(call.send().await.expect(201).order(), order);
    assert_eq!(charges_of(&order).await.len(), 1);
}

#[tokio::test]
async fn an_order_is_paid_although_the_provider_replays_a_failure_to_create_its_intent_for_ever() {
    let product = new_product(1250, 100).await;
    for acts in [false, true] {
        let customer = Customer::register().await;
        let _failing = provider_failing_for_ever(Operation::Create, acts).await;
        let order = order_placed(&customer, &product).await;
        all_paid_once(&customer, &[order]).await;
    }
}

/// An order that its customer paid and cancelled before the shop knew that it was paid.
async fn order_paid_and_cancelled(customer: &Customer, product: &str) -> String {
    // Off from the start: a nudge about the authentication that is asked for would find the payment first.
    let lost = webhooks_lost().await;
    let call = customer.checkout(&new_key(), product, 2, "pm_card_authenticationRequired");
    let order = call.send().await.expect(202).order();
    customer_authenticates(&order).await;
    let cancel = customer.call("cancel-order", "POST", format!("/api/orders/{order}/cancel"));
    let answer = cancel.parameter("id", &order).send().await.expect(202).json();
    drop(lost);
    assert_eq!(answer["status"], "refund_pending");
    order
}

async fn all_given_back(order: &str, product: &str) {
    eventually("the refund", async || {
        // The schedule would do it once a minute, and each of several tries would wait for it.
        invoke("order-sweeper", &json!({})).await;
        (status_of(order).await == "refunded").then_some(())
    })
    .await;
    let charges = charges_of(order).await;
    assert_eq!(charges.len(), 1, "{charges:?}");
    assert_eq!(charges[0].amount_refunded, charges[0].amount);
    assert_eq!(stock_of(product).await, 5);
}

#[tokio::test]
async fn a_charge_that_succeeded_before_the_cancellation_is_given_back() {
    let (customer, product) = (Customer::register().await, new_product(1250, 5).await);
    let order = order_paid_and_cancelled(&customer, &product).await;
    all_given_back(&order, &product).await;
}

#[tokio::test]
async fn a_charge_that_succeeds_after_its_order_has_failed_is_given_back() {
    let (customer, product) = (Customer::register().await, new_product(1250, 5).await);
    let call = customer.checkout(&new_key(), &product, 2, "pm_card_visa_chargeDeclined");
    let order = call.send().await.expect(402).order();
    assert_eq!((status_of(&order).await.as_str(), stock_of(&product).await), ("failed", 5));
    customer_pays_past_the_shop(&order, "pm_card_visa").await;
    all_given_back(&order, &product).await;
}

#[tokio::test]
async fn a_refund_is_made_once_although_the_provider_replays_its_failure_for_ever() {
    for acts in [false, true] {
        let (customer, product) = (Customer::register().await, new_product(1250, 5).await);
        let _failing = provider_failing_for_ever(Operation::Refund, acts).await;
        let order = order_paid_and_cancelled(&customer, &product).await;
        all_given_back(&order, &product).await;
    }
}

#[tokio::test]
async fn up_brings_back_what_was_stopped_and_tells_how_things_are() {
    let _mended = away("payments");
    let said = dev(&["up", "--detach"]);
    let row = said.lines().find(|line| line.trim_start().starts_with("payments")).expect("a row");
    assert!(row.contains("ready"), "{said}");
    // It fails unless everything answers.
    dev(&["status"]);
}
