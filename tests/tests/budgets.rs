//! The budgets of a warm request: round trips and statements, counted.

use std::fmt::Write;

use serde_json::json;
use tests::{
    Call, Cost, Customer, administrator, administrator_with_account, cost_of, env, get_product, invoke,
    log_in, new_key, new_product, priced, update_product, webhooks_lost,
};
use uuid::Uuid;

#[tokio::test]
async fn a_cached_product_costs_one_round_trip_to_redis_and_no_statement() {
    let customer = Customer::register().await;
    let id = new_product(1000, 1).await;
    let call = get_product(&id).bearer(&customer.token);
    call.send().await.expect(200);
    let cost = cost_of(5, async || drop(call.send().await.expect(200))).await;
    assert_eq!((cost.redis_round_trips, cost.statement_count()), (1, 0), "{cost:?}");
}

#[tokio::test]
async fn a_product_that_is_not_cached_costs_two_round_trips_and_one_statement() {
    let customer = Customer::register().await;
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(new_product(1000, 1).await);
    }
    let look = async |id: String| drop(get_product(&id).bearer(&customer.token).send().await.expect(200));
    // The environment's first request pays for its connections.
    look(ids.pop().expect("six")).await;
    let cost = cost_of(5, async || look(ids.pop().expect("one for each run")).await).await;
    assert_eq!((cost.redis_round_trips, cost.statement_count()), (2, 1), "{cost:?}");
}

#[tokio::test]
async fn the_cached_featured_list_costs_one_round_trip() {
    let customer = Customer::register().await;
    let call = customer.call("featured-products", "GET", "/api/products/featured");
    call.send().await.expect(200);
    let cost = cost_of(5, async || drop(call.send().await.expect(200))).await;
    assert_eq!((cost.redis_round_trips, cost.statement_count()), (1, 0), "{cost:?}");
}

#[tokio::test]
async fn the_order_list_and_an_order_cost_one_round_trip_and_one_statement() {
    let customer = Customer::register().await;
    let product = new_product(1000, 1).await;
    let id = customer.buys(&product).await.expect(201).order();
    let calls = [
        customer.call("list-orders", "GET", "/api/orders"),
        customer.call("get-order", "GET", format!("/api/orders/{id}")).parameter("id", &id),
    ];
    for call in calls {
        call.send().await.expect(200);
        let cost = cost_of(5, async || drop(call.send().await.expect(200))).await;
        assert_eq!((cost.redis_round_trips, cost.statement_count()), (1, 1), "{cost:?}");
    }
}

#[tokio::test]
async fn an_update_costs_two_round_trips_and_one_statement() {
    let call = update_product(&new_product(1000, 1).await, &priced(1));
    call.send().await.expect(200);
    let cost = cost_of(5, async || drop(call.send().await.expect(200))).await;
    assert_eq!((cost.redis_round_trips, cost.statement_count()), (2, 1), "{cost:?}");
}

#[tokio::test]
async fn a_checkout_costs_two_round_trips_two_statements_and_one_call_to_the_provider() {
    let customer = Customer::register().await;
    let product = new_product(1000, 100).await;
    customer.buys(&product).await.expect(201);
    let cost = cost_of(5, async || drop(customer.buys(&product).await.expect(201))).await;
    assert!(cost.redis_round_trips <= 2, "{cost:?}");
    assert_eq!((cost.statement_count(), cost.provider_calls), (2, 1), "{cost:?}");
}

#[tokio::test]
async fn a_repeated_checkout_costs_one_statement_and_no_call_to_the_provider() {
    let customer = Customer::register().await;
    let product = new_product(1000, 100).await;
    let call = customer.checkout(&new_key(), &product, 1, "pm_card_visa");
    call.send().await.expect(201);
    let cost = cost_of(5, async || drop(call.send().await.expect(201))).await;
    assert_eq!((cost.statement_count(), cost.provider_calls), (1, 0), "{cost:?}");
}

#[tokio::test]
async fn accounts_cost_one_round_trip_and_one_statement_and_a_login_two() {
    let post = |function: &'static str, path: &str, body: &serde_json::Value| {
        Call::new(function, "POST", path.to_owned()).json(body)
    };
    let email = || format!("{}@example.com", Uuid::now_v7());
    let register = async || {
        let body = json!({ "email": email(), "password": "follow the water down" });
        post("register", "/api/auth/register", &body).send().await.expect(201).json()
    };
    let mut token = register().await["refresh_token"].clone();
    let cost = cost_of(3, async || drop(register().await)).await;
    assert_eq!((cost.redis_round_trips, cost.statement_count()), (1, 1), "{cost:?}");
    let cost = cost_of(5, async || {
        let body = json!({ "refresh_token": token });
        let answer = post("refresh-token", "/api/auth/refresh", &body).send().await.expect(200).json();
        token = answer["refresh_token"].clone();
    })
    .await;
    assert_eq!((cost.redis_round_trips, cost.statement_count()), (1, 1), "{cost:?}");
    let customer = Customer::register().await;
    let login = log_in(&customer.email, tests::PASSWORD);
    login.send().await.expect(200);
    let cost = cost_of(3, async || drop(login.send().await.expect(200))).await;
    assert_eq!((cost.redis_round_trips, cost.statement_count()), (1, 2), "{cost:?}");
    let me = customer.call("get-me", "GET", "/api/me");
    me.send().await.expect(200);
    let cost = cost_of(5, async || drop(me.send().await.expect(200))).await;
    assert_eq!((cost.redis_round_trips, cost.statement_count()), (1, 1), "{cost:?}");
}

#[tokio::test]
async fn logging_out_costs_one_statement_and_leaving_or_another_password_two() {
    // The environment's first request pays for its connections; each of the others has somebody of its own.
    let mut customers = Customer::register_many(10).await;
    let mut somebody = || customers.pop().expect("one for each run");
    let change = async |customer: Customer| {
        let body = json!({
            "email": customer.email, "password": tests::PASSWORD, "new_password": "follow the water down"
        });
        let call = Call::new("change-password", "POST", "/api/auth/password").json(&body);
        call.send().await.expect(200).json()["refresh_token"].clone()
    };
    let mut tokens = vec![change(somebody()).await];
    let cost = cost_of(5, async || tokens.push(change(somebody()).await)).await;
    assert_eq!((cost.redis_round_trips, cost.statement_count()), (1, 2), "{cost:?}");
    let log_out = async |token| {
        let body = json!({ "refresh_token": token });
        Call::new("logout", "POST", "/api/auth/logout").json(&body).send().await.expect(204);
    };
    log_out(tokens.pop()).await;
    let cost = cost_of(5, async || log_out(tokens.pop()).await).await;
    assert_eq!((cost.redis_round_trips, cost.statement_count()), (1, 1), "{cost:?}");
    let leave = async |customer: Customer| {
        drop(customer.call("delete-me", "DELETE", "/api/me").send().await.expect(204));
    };
    leave(somebody()).await;
    let cost = cost_of(3, async || leave(somebody()).await).await;
    assert_eq!((cost.redis_round_trips, cost.statement_count()), (1, 2), "{cost:?}");
}

#[tokio::test]
async fn keeping_the_catalogue_costs_one_statement_and_a_second_round_trip_where_readers_have_to_know() {
    let token = administrator();
    let id = new_product(1000, 5).await;
    let admin = |function: &'static str, method: &'static str, path: String| {
        Call::new(function, method, path).bearer(&token).parameter("id", &id)
    };
    let list = admin("list-products", "GET", "/api/products".to_owned());
    let new = admin("create-product", "POST", "/api/products".to_owned()).json(&json!({
        "name": "A product of the tests", "description": "", "price": { "amount": 100, "currency": "usd" }
    }));
    let stock = admin("set-stock", "PUT", format!("/api/products/{id}/stock")).json(&json!({ "change": 1 }));
    // Lists are told of a new product.
    for (call, status, redis) in [(list, 200, 1), (new, 201, 2), (stock, 200, 1)] {
        call.send().await.expect(status);
        let cost = cost_of(5, async || drop(call.send().await.expect(status))).await;
        assert_eq!((cost.redis_round_trips, cost.statement_count()), (redis, 1), "{cost:?}");
    }
    let archive = async |id: &str| {
        let call = Call::new("archive-product", "DELETE", format!("/api/products/{id}"));
        call.bearer(&token).parameter("id", id).send().await.expect(204);
    };
    archive(&id).await;
    let mut more = Vec::new();
    for _ in 0..5 {
        more.push(new_product(1000, 5).await);
    }
    let cost = cost_of(5, async || archive(&more.pop().expect("one for each run")).await).await;
    assert_eq!((cost.redis_round_trips, cost.statement_count()), (2, 1), "{cost:?}");
}

#[tokio::test]
async fn running_the_shop_costs_one_statement_and_a_refund_two_and_one_call_to_the_provider() {
    let (token, customer) = (administrator_with_account().await, Customer::register().await);
    let product = new_product(1000, 100).await;
    let mut orders = Vec::new();
    for _ in 0..6 {
        orders.push(customer.buys(&product).await.expect(201).order());
    }
    let id = orders[0].clone();
    let list = Call::new("list-all-orders", "GET", "/api/admin/orders").query("status", "paid");
    let find = Call::new("get-any-order", "GET", format!("/api/admin/orders/{id}")).parameter("id", &id);
    for call in [list.bearer(&token), find.bearer(&token)] {
        call.send().await.expect(200);
        let cost = cost_of(5, async || drop(call.send().await.expect(200))).await;
        assert_eq!((cost.redis_round_trips, cost.statement_count()), (1, 1), "{cost:?}");
    }
    let refund = async |id: &str| {
        let call = Call::new("refund-order", "POST", format!("/api/orders/{id}/refund")).bearer(&token);
        let call = call.parameter("id", id).header("idempotency-key", new_key());
        call.json(&json!({ "amount": 10 })).send().await.expect(200);
    };
    // The provider's event about a refund has the worker look at the order, whenever it likes.
    let _lost = webhooks_lost().await;
    refund(&orders.pop().expect("six")).await;
    let cost = cost_of(5, async || refund(&orders.pop().expect("one for each run")).await).await;
    assert!(cost.redis_round_trips <= 2, "{cost:?}");
    assert_eq!((cost.statement_count(), cost.provider_calls), (2, 1), "{cost:?}");
}

/// Imports a file of so many lines.
async fn imports(skus: &str, lines: usize, amount: i64) {
    let mut text = "sku,name,description,amount,currency\n".to_owned();
    for number in 0..lines {
        let _ = writeln!(text, "{skus}-{number},Lamp of the tests,,{amount},usd");
    }
    let key = format!("held/{}.csv", Uuid::now_v7());
    let put = reqwest::Client::new().put(format!("{}/{key}", env("IMPORTS_URL"))).body(text);
    put.send().await.expect("the bucket answers").error_for_status().expect("takes it");
    let outcomes = invoke("import-products", &json!({ "key": key })).await;
    assert_eq!(outcomes[0]["outcome"], "finished", "{outcomes}");
}

#[tokio::test]
async fn a_thousand_lines_of_an_import_cost_one_statement() {
    let (skus, mut amount) = (Uuid::now_v7().to_string(), 1000);
    imports(&skus, 2000, amount).await;
    let expected = [("", 2), ("_begin", 1), ("_end", 1), ("_last", 1)];
    let expected = expected.map(|(name, calls)| (format!("catalog.import{name}"), calls));
    let statements = |cost: Cost| cost.statements.into_iter().collect::<Vec<_>>();
    let same = cost_of(3, async || imports(&skus, 2000, amount).await).await;
    assert_eq!((same.redis_round_trips, statements(same)), (0, expected.to_vec()));
    let changed = cost_of(3, async || {
        amount += 1;
        imports(&skus, 2000, amount).await;
    })
    .await;
    assert_eq!((changed.redis_round_trips, statements(changed)), (20, expected.to_vec()));
    let new = cost_of(3, async || imports(&Uuid::now_v7().to_string(), 2000, amount).await).await;
    assert_eq!((new.redis_round_trips, statements(new)), (2, expected.to_vec()));
}
