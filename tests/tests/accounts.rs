//! Logging in.

use serde_json::json;
use shared::database::Statement;
use tests::{Answer, Call, Customer, Logs, PASSWORD, database, eventually, log_in, new_address};

/// Holds an account until its transaction ends, with the hash of another that has the same password.
static REHASH: Statement = Statement::new(
    "tests.rehash",
    "update users set password_hash = (select password_hash from users where id = $2) where id = $1",
);
static WAITING: Statement = Statement::new(
    "tests.waiting",
    "select exists (select from pg_stat_activity where pg_backend_pid() = any(pg_blocking_pids(pid)))",
);

async fn login(email: &str, password: &str) -> Answer {
    log_in(email, password).send().await
}

async fn login_from(source: &str, email: &str, password: &str) -> Answer {
    log_in(email, password).from(source).send().await
}

#[tokio::test]
async fn a_customer_logs_in_and_sees_orders_with_the_token() {
    let customer = Customer::register().await;
    // Whatever the case of the address.
    let answer = login(&customer.email.to_uppercase(), PASSWORD).await.expect(200).json();
    assert_eq!((&answer["token_type"], &answer["expires_in"]), (&json!("Bearer"), &json!(3600)));
    let token = answer["access_token"].as_str().expect("a token");
    let orders = Call::new("list-orders", "GET", "/api/orders").bearer(token).send().await.expect(200);
    assert_eq!(orders.json(), json!({ "orders": [], "next_cursor": null }));
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_account_look_the_same() {
    let customer = Customer::register().await;
    let mut wrong = login(&customer.email, "not it").await.expect(401).json();
    let mut unknown = login("nobody@example.com", "not it").await.expect(401).json();
    for answer in [&mut wrong, &mut unknown] {
        answer.as_object_mut().expect("an object").remove("request_id");
    }
    assert_eq!(wrong, unknown);
}

#[tokio::test]
async fn a_password_is_right_also_where_another_login_replaced_its_hash_meanwhile() {
    let (customer, other) = (Customer::register().await, Customer::register().await);
    let change =
        json!({ "email": customer.email, "password": PASSWORD, "new_password": "another, and good" });
    let change = Call::new("change-password", "POST", "/api/auth/password").json(&change);
    for call in [log_in(&customer.email, PASSWORD), change] {
        let calling = database().transaction(async |tx| {
            tx.execute(REHASH.bind(customer.id).bind(other.id)).await?;
            let calling = tokio::spawn(async move { call.send().await });
            eventually("it waits for the account", async || {
                tx.fetch_one::<(bool,)>(&WAITING).await.expect("answers").0.then_some(())
            })
            .await;
            Ok::<_, shared::database::Error>(calling)
        });
        calling.await.expect("commits").await.expect("no panic").expect(200);
    }
}

#[tokio::test]
async fn the_sixth_guess_within_a_minute_is_refused_whatever_the_account() {
    let source = new_address();
    for guess in 0..5 {
        let answer = login_from(&source, &format!("{guess}-{source}@example.com"), "guess").await.expect(401);
        assert_eq!(answer.header("x-ratelimit-limit"), "5");
        assert_eq!(answer.header("x-ratelimit-remaining"), (4 - guess).to_string());
    }
    let refused = login_from(&source, &format!("another-{source}@example.com"), "guess").await.expect(429);
    let wait: u64 = refused.header("retry-after").parse().expect("seconds");
    assert!((1..=66).contains(&wait), "{wait}");
    assert_eq!(refused.json()["type"], "urn:millrace:problem:too-many-requests");
    assert_eq!(refused.json()["violated_policies"], json!(["login"]));
}

#[tokio::test]
async fn guessers_slow_an_account_down_and_never_keep_its_owner_out() {
    let customer = Customer::register().await;
    for _ in 0..7 {
        login(&customer.email, "guess").await.expect(401);
    }
    let (logs, answer) = (Logs::from_now(), login(&customer.email, PASSWORD).await.expect(200));
    assert_eq!(logs.line_of(&answer).await["LoginSlowed"], 1, "a guesser would have waited as long");
}

#[tokio::test]
async fn a_refused_guesser_uses_up_nothing_of_an_accounts() {
    let (customer, source) = (Customer::register().await, new_address());
    for _ in 0..5 {
        login_from(&source, &format!("{source}@example.com"), "guess").await;
    }
    for _ in 0..6 {
        login_from(&source, &customer.email, "guess").await.expect(429);
    }
    let (logs, answer) = (Logs::from_now(), login(&customer.email, PASSWORD).await.expect(200));
    let line = logs.line_of(&answer).await;
    assert_eq!(line.get("LoginSlowed"), None, "it was slowed down by guesses that were refused");
}

#[tokio::test]
async fn a_malformed_login_is_refused_field_by_field() {
    for (body, field) in [
        (json!({ "email": 7, "password": "x" }), "email"),
        (json!({ "email": "a@example.com", "password": "x", "role": "administrator" }), "role"),
    ] {
        let answer = Call::new("login", "POST", "/api/auth/login").json(&body).send().await.expect(422);
        assert_eq!(answer.json()["errors"][0]["field"], field);
    }
    // Text that no statement could carry is nobody's address.
    login("a\u{0}b@example.com", "x").await.expect(401);
    login(&"x".repeat(5000), "x").await.expect(401);
}
