//! What operators see of a request: its one line, its metrics, its trace; and nothing that is not theirs to see.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use shared::database::Statement;
use tests::{
    Call, Customer, Logs, PASSWORD, customer_authenticates, database, dev, env, eventually, get_product,
    log_in, new_address, new_key, new_product, provider_failing, status_of,
};
use uuid::Uuid;

/// What a line counts under these names; what did not happen is not in it.
fn counts(line: &Value, names: &[&str]) -> Vec<u64> {
    names.iter().map(|name| line.get(*name).map_or(0, |count| count.as_u64().expect("a count"))).collect()
}

/// The names that CloudWatch takes out of a line: each is a metric, and paid for.
fn metrics(line: &Value) -> Vec<&str> {
    let directives = line["_aws"]["CloudWatchMetrics"].as_array().expect("directives");
    let declared = directives.iter().flat_map(|directive| directive["Metrics"].as_array().expect("metrics"));
    declared.map(|metric| metric["Name"].as_str().expect("a name")).collect()
}

#[tokio::test]
async fn each_request_has_one_line_that_says_what_it_cost() {
    let (logs, customer) = (Logs::from_now(), Customer::register().await);
    let id = new_product(1000, 1).await;
    let call = customer.call("get-product", "GET", format!("/api/products/{id}")).parameter("id", &id);
    let names = ["CacheMiss", "CacheFilled", "CacheHit", "DatabaseRoundTrips", "RateAllowed", "RateLimited"];

    let line = logs.line_of(&call.send().await.expect(200)).await;
    assert_eq!(line["Route"], "GET /api/products/{id}");
    assert_eq!((&line["StatusClass"], &line["status"]), (&json!("2xx"), &json!(200)));
    assert!(line["trace_id"].as_str().is_some_and(|id| id.starts_with("1-")), "{line}");
    // An idle connection is pinged before its statement.
    let [missed, filled, hit, statements, allowed, limited] = counts(&line, &names)[..] else {
        unreachable!()
    };
    assert_eq!([missed, filled, hit, allowed, limited], [1, 1, 0, 1, 0], "{line}");
    assert!((1..=2).contains(&statements), "{line}");
    let spent = |name: &str| line[name].as_f64().unwrap_or_else(|| panic!("no {name}: {line}"));
    assert!(
        spent("Latency") >= spent("DatabaseTime") && spent("DatabaseTime") >= spent("PoolWait"),
        "{line}"
    );

    let line = logs.line_of(&call.send().await.expect(200)).await;
    assert_eq!(counts(&line, &names), [0, 0, 1, 0, 1, 0], "{line}");
    let id = line["request_id"].as_str().expect("an id");
    let text =
        logs.read().into_iter().find(|(name, _)| name == "functions.log").expect("the functions' log").1;
    assert_eq!(text.matches(id).count(), 1, "a request that went well has one line");
}

#[tokio::test]
async fn a_refused_request_is_counted_by_its_class_and_as_limited() {
    let logs = Logs::from_now();
    let source = new_address();
    let guess = |number: u8| log_in(&format!("{number}-{source}@example.com"), "guess").from(&source);
    let line = logs.line_of(&guess(0).send().await.expect(401)).await;
    assert_eq!((&line["StatusClass"], &line["status"]), (&json!("4xx"), &json!(401)));
    for number in 1..5 {
        guess(number).send().await.expect(401);
    }
    let line = logs.line_of(&guess(5).send().await.expect(429)).await;
    assert_eq!(counts(&line, &["RateLimited", "DatabaseRoundTrips"]), [1, 0], "{line}");
}

#[tokio::test]
async fn a_trace_goes_on_in_the_message_that_a_deferred_order_sends() {
    let (logs, customer) = (Logs::from_now(), Customer::register().await);
    let product = new_product(1250, 5).await;
    let failing = provider_failing().await;
    let answer = customer.buys(&product).await.expect(202);
    drop(failing);
    let order = answer.order();
    let line = logs.line_of(&answer).await;
    let counted = counts(&line, &["DeferredOrders", "QueueSent", "BreakerAllowed", "BreakerFailed"]);
    assert_eq!(counted, [1, 1, 1, 1], "{line}");
    assert!(line["ProviderTime"].is_number() && line["QueueTime"].is_number(), "{line}");

    let of_order = |line: &Value| line["order"] == order.as_str() && line["now"] == "paid";
    let worker = logs.line("the worker's line", of_order).await;
    assert_eq!(worker["trace_id"], line["trace_id"]);
    let batch = |line: &Value| line["Route"] == "charge-worker" && line["StatusClass"] == "ok";
    logs.line("the line of the worker's batch", batch).await;
}

#[tokio::test]
async fn the_sweeper_says_how_far_behind_we_are() {
    let logs = Logs::from_now();
    tests::invoke("order-sweeper", &json!({})).await;
    let right = |line: &Value| line["Route"] == "order-sweeper" && line["OldestUnfinishedOrder"].is_number();
    let line = logs.line("the sweeper's line", right).await;
    let metrics = metrics(&line);
    assert!(metrics.contains(&"OldestUnfinishedOrder"), "{line}");
    // It runs all the time: what Lambda measures itself, and what nobody looks at, is not paid for.
    for unpaid in ["Latency", "DatabaseRoundTrips"] {
        assert!(line[unpaid].is_number() && !metrics.contains(&unpaid), "{unpaid}: {line}");
    }
}

#[tokio::test]
async fn an_event_that_is_none_is_refused_and_the_log_has_the_place_and_not_what_stands_there() {
    let logs = Logs::from_now();
    let refused = tests::invoke("charge-worker", &json!({ "Records": "somebody's words" })).await;
    assert_eq!(refused["errorType"], "EventNotUnderstood", "{refused}");
    assert!(
        refused["errorMessage"].as_str().is_some_and(|why| why.contains("Records: invalid type")),
        "{refused}"
    );
    logs.line("the place", |line| line["level"] == "ERROR" && line["place"] == "Records").await;
    assert!(logs.read().iter().all(|(_, text)| !text.contains("somebody's words")));
}

static FORGET: Statement = Statement::new("tests.forget_user", "delete from users where id = $1");

/// What nobody may find in a log afterwards.
type Secrets = Vec<(&'static str, String)>;

/// Everything a customer does, well and badly.
async fn journey() -> Secrets {
    let customer = Customer::register().await;
    let product = new_product(1250, 50).await;
    let mut secrets = logs_in(&customer).await;
    looks_around(&customer, &product).await;
    secrets.extend(buys(&customer, &product).await);
    secrets.extend(waits(&customer, &product).await);
    secrets.push(("e-mail address", customer.email.clone()));
    secrets.push(("access token", customer.token.clone()));
    secrets
}

async fn logs_in(customer: &Customer) -> Secrets {
    let (source, wrong) = (new_address(), "Not-The-Password-9");
    let attempt = |password: &str| log_in(&customer.email.to_uppercase(), password).from(&source);
    attempt(wrong).send().await.expect(401);
    let token = attempt(PASSWORD).send().await.expect(200).json()["access_token"].clone();
    let token = token.as_str().expect("a token").to_owned();
    let forged = format!("{token}x");
    Call::new("list-orders", "GET", "/api/orders").bearer(&forged).send().await.expect(401);
    vec![
        ("password", PASSWORD.to_owned()),
        ("wrong password", wrong.to_owned()),
        ("another access token", token),
        ("source address", source),
    ]
}

async fn looks_around(customer: &Customer, product: &str) {
    get_product(product).bearer(&customer.token).send().await.expect(200);
    customer.call("search-products", "GET", "/api/search").query("q", "oak chair").send().await.expect(200);
    let query = json!({ "query": "{ orders(limit: 1) { nonsense } }" });
    customer.call("graphql", "POST", "/api/graphql").json(&query).send().await;
}

async fn buys(customer: &Customer, product: &str) -> Secrets {
    let key = new_key();
    customer.checkout(&key, product, 1, "pm_card_visa").send().await.expect(201);
    customer.checkout(&new_key(), product, 1, "pm_card_visa_chargeDeclined").send().await.expect(402);
    // Postgres refuses the statement of somebody who has gone, and logs that.
    let gone = Customer::register().await;
    database().execute(FORGET.bind(gone.id)).await.expect("deleted");
    let refused = new_key();
    gone.checkout(&refused, product, 1, "pm_card_visa").send().await;
    let card = "4242424242424242";
    customer.checkout(&new_key(), product, 1, card).send().await.expect(422);
    let broken = format!("{{ {card}");
    let call = customer.call("checkout", "POST", "/api/checkout").header("idempotency-key", &key);
    call.header("content-type", "application/json").body(broken).send().await.expect(400);
    vec![
        ("card number", card.to_owned()),
        ("payment method", "pm_card_".to_owned()),
        ("idempotency key", key),
        ("refused idempotency key", refused),
    ]
}

/// Buys what is not paid at once: because of the customer, or of the provider.
async fn waits(customer: &Customer, product: &str) -> Secrets {
    let buy = async || {
        let call = customer.checkout(&new_key(), product, 1, "pm_card_authenticationRequired");
        call.send().await.expect(202)
    };
    let authenticated = buy().await;
    customer_authenticates(&authenticated.order()).await;
    let cancelled = buy().await.order();
    let cancel = format!("/api/orders/{cancelled}/cancel");
    let call = customer.call("cancel-order", "POST", cancel).parameter("id", &cancelled);
    call.settled().await.expect(200);
    let forged_event = Call::new("payment-webhook", "POST", "/api/webhooks/payments").body("{}");
    forged_event.header("stripe-signature", "t=1795420800,v1=00").send().await.expect(400);

    let failing = provider_failing().await;
    let deferred = customer.buys(product).await.expect(202).order();
    drop(failing);
    for order in [deferred, authenticated.order()] {
        let paid = async || (status_of(&order).await == "paid").then_some(());
        eventually("the payment", paid).await;
    }
    let secret = authenticated.json()["charge"]["client_secret"].as_str().expect("a secret").to_owned();
    vec![("client secret", secret)]
}

/// The text itself, and how it shows where it travels encoded, whatever stands before it: in base64, which looks at
/// three bytes at a time, and in hexadecimal.
fn shapes_of(secret: &str) -> Vec<String> {
    let hexadecimal = secret.bytes().fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"));
    let base64 = (0..3).map(|before| {
        let all = [&[0; 3][..before], secret.as_bytes()].concat();
        let whole = all.len() / 3 * 3;
        // What stands before is part of the first characters, what comes behind of those after the last three bytes.
        BASE64_STANDARD.encode(&all[..whole])[[0, 2, 3][before]..].to_lowercase()
    });
    [secret.to_lowercase(), hexadecimal].into_iter().chain(base64).collect()
}

#[tokio::test]
async fn no_log_holds_what_was_secret_or_personal_in_a_whole_journey() {
    let logs = Logs::from_now();
    let mut secrets = journey().await;
    for name in ["PAYMENTS_KEY", "PAYMENTS_WEBHOOK_SECRET", "TOKEN_PRIVATE_KEY"] {
        secrets.push((name, env(name).to_owned()));
    }
    for name in ["DATABASE_URL", "DATABASE_DIRECT_URL"] {
        let url = url::Url::parse(env(name)).expect("a URL");
        secrets.push((name, url.password().expect("a password").to_owned()));
    }
    // Postgres, PgBouncer and Redis too, which see values. Not the double of the provider, which is not part of
    // Millrace.
    let logs = logs.read().into_iter().filter(|(name, _)| name != "payments.log");
    let (mut lines, mut refusals) = (0, 0);
    for (log, text) in logs {
        if log == "postgres.log" {
            refusals += text.matches("orders_user_id_fkey").count();
        }
        lines += text.matches("\"Route\":").count();
        let lower = text.to_lowercase();
        for (what, value) in &secrets {
            let found = shapes_of(value).iter().find_map(|shape| lower.find(shape));
            let around = found.map(|at| text.get(at.saturating_sub(300)..at).unwrap_or_default());
            assert_eq!(around, None, "{log} shows a {what}, after this");
        }
    }
    assert!(lines >= 15, "this was not the log of the journey: {lines} lines");
    assert!(refusals > 0, "Postgres had nothing to say");
}

/// The least value that so many per cent of them do not exceed.
fn percentile(values: &[f64], percent: usize) -> f64 {
    let enough =
        |value: &&f64| values.iter().filter(|other| other <= value).count() * 100 >= values.len() * percent;
    values.iter().filter(enough).copied().fold(f64::INFINITY, f64::min)
}

#[tokio::test]
async fn the_percentiles_of_dev_stats_are_those_of_the_log() {
    const ROUTE: &str = "GET /api/products/{id}";
    let (logs, customer) = (Logs::from_now(), Customer::register().await);
    let id = new_product(1000, 1).await;
    let call = customer.call("get-product", "GET", format!("/api/products/{id}")).parameter("id", &id);
    for _ in 0..19 {
        call.send().await.expect(200);
    }
    logs.line_of(&call.send().await.expect(200)).await;

    let printed = dev(&["stats", "--once", "--minutes", "1440"]);
    let row = printed.lines().find(|line| line.contains(ROUTE)).unwrap_or_else(|| panic!("{printed}"));
    let figures: Vec<&str> = row.trim().strip_prefix(ROUTE).expect("a route").split_whitespace().collect();
    let lines: Vec<Value> =
        Logs::whole("functions.log").lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let of_route = lines.iter().filter(|line| line["Route"] == ROUTE);
    let latencies: Vec<f64> = of_route.map(|line| line["Latency"].as_f64().expect("a time")).collect();
    assert_eq!(figures[0], latencies.len().to_string(), "{printed}");
    for (figure, percent) in figures[2..5].iter().zip([50, 95, 99]) {
        assert_eq!(*figure, format!("{:.1}", percentile(&latencies, percent)), "p{percent} in {printed}");
    }
    for label in ["cache", "limiter", "breaker", "redis", "postgres", "queue"] {
        assert!(printed.contains(&format!("  {label} ")), "{printed}");
    }

    let page = std::env::temp_dir().join(format!("millrace-stats-{}.html", Uuid::now_v7()));
    dev(&["stats", "--minutes", "1440", "--html", page.to_str().expect("UTF-8")]);
    let text = std::fs::read_to_string(&page).expect("a page");
    std::fs::remove_file(&page).expect("removed");
    assert!(text.contains(ROUTE), "{ROUTE} is not in the page");
    assert_eq!(text.matches("<svg").count(), 7, "plots");
    assert!(!text.contains("http"), "everything is in the page itself");
}
