//! Accounts from their first day to their last: opened, kept, changed, closed.

use serde_json::{Value, json};
use shared::database::Statement;
use tests::{Answer, Call, Customer, PASSWORD, database, log_in, new_address};
use uuid::Uuid;

const GOOD: &str = "follow the water down";
const BETTER: &str = "up the stream again";

async fn post(function: &'static str, path: &str, body: &Value) -> Answer {
    Call::new(function, "POST", path).json(body).send().await
}

async fn register(email: &str, password: &str) -> Answer {
    post("register", "/api/auth/register", &json!({ "email": email, "password": password })).await
}

async fn login(email: &str, password: &str) -> Answer {
    log_in(email, password).send().await
}

async fn refresh(token: &Value) -> Answer {
    post("refresh-token", "/api/auth/refresh", &json!({ "refresh_token": token })).await
}

async fn change(email: &str, password: &str, new: &str) -> Answer {
    let body = json!({ "email": email, "password": password, "new_password": new });
    post("change-password", "/api/auth/password", &body).await
}

async fn me(token: &Value) -> Answer {
    Call::new("get-me", "GET", "/api/me").bearer(token.as_str().expect("a token")).send().await
}

fn nobody() -> String {
    format!("{}@example.com", Uuid::now_v7())
}

#[tokio::test]
async fn who_registers_is_signed_in_and_can_log_in() {
    let email = nobody();
    let signed_in = register(&email, GOOD).await.expect(201).json();
    assert_eq!((&signed_in["token_type"], &signed_in["expires_in"]), (&json!("Bearer"), &json!(3600)));
    let profile = me(&signed_in["access_token"]).await.expect(200).json();
    assert_eq!((&profile["email"], &profile["role"]), (&json!(email), &json!("customer")));
    login(&email, GOOD).await.expect(200);
    refresh(&signed_in["refresh_token"]).await.expect(200);
}

#[tokio::test]
async fn an_address_that_is_taken_in_whatever_case_is_refused_and_nothing_changes() {
    let email = nobody();
    register(&email, GOOD).await.expect(201);
    let refused = register(&email.to_uppercase(), BETTER).await.expect(409).json();
    assert_eq!(refused["type"], "urn:millrace:problem:conflict");
    login(&email, GOOD).await.expect(200);
    login(&email, BETTER).await.expect(401);
}

#[tokio::test]
async fn a_registration_is_refused_field_by_field() {
    for (email, password, field) in [
        ("ada", GOOD, "email"),
        ("ada@example.com", "fourteen chars", "password"),
        ("ada@example.com", "passwordpassword", "password"),
        ("ada.lovelace@example.com", "ada.lovelace@example.com", "password"),
    ] {
        let problem = register(email, password).await.expect(422).json();
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
    let extra = json!({ "email": nobody(), "password": GOOD, "role": "administrator" });
    let problem = post("register", "/api/auth/register", &extra).await.expect(422).json();
    assert_eq!(problem["errors"][0]["field"], "role");
}

#[tokio::test]
async fn registrations_and_logins_are_counted_by_address_whatever_token_comes_along() {
    let source = new_address();
    for attempt in 0..6 {
        // Each with another account's token, which would be another quota.
        let customer = Customer::register().await;
        let body = json!({ "email": customer.email, "password": GOOD });
        let call = Call::new("register", "POST", "/api/auth/register").from(&source).bearer(&customer.token);
        call.json(&body).send().await.expect(if attempt < 5 { 409 } else { 429 });
    }
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_its_second_use_ends_the_sign_in() {
    let email = nobody();
    let first = register(&email, GOOD).await.expect(201).json();
    let other = login(&email, GOOD).await.expect(200).json();
    let second = refresh(&first["refresh_token"]).await.expect(200).json();
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    me(&second["access_token"]).await.expect(200);
    let third = refresh(&second["refresh_token"]).await.expect(200).json();
    // Somebody has a copy of the second.
    refresh(&second["refresh_token"]).await.expect(401);
    refresh(&third["refresh_token"]).await.expect(401);
    // Another sign-in has nothing to do with it.
    refresh(&other["refresh_token"]).await.expect(200);
}

#[tokio::test]
async fn refreshing_and_logging_out_are_counted_together_by_address_sixty_a_minute() {
    // Of no sign-in.
    let (source, body) = (new_address(), json!({ "refresh_token": "A".repeat(64) }));
    let call = |function, path: &str| Call::new(function, "POST", path).from(&source).json(&body);
    let refresh = call("refresh-token", "/api/auth/refresh");
    let logout = call("logout", "/api/auth/logout");
    for _ in 0..30 {
        assert_eq!(refresh.send().await.expect(401).header("x-ratelimit-limit"), "60");
        logout.send().await.expect(204);
    }
    for call in [refresh, logout] {
        assert_eq!(call.send().await.expect(429).json()["violated_policies"], json!(["refresh"]));
    }
}

#[tokio::test]
async fn of_two_who_bring_a_refresh_token_at_once_one_gets_the_next() {
    let first = register(&nobody(), GOOD).await.expect(201).json();
    let token = &first["refresh_token"];
    let (one, other) = tokio::join!(refresh(token), refresh(token));
    let mut answers = [one.status, other.status];
    answers.sort_unstable();
    assert_eq!(answers, [200, 401]);
}

#[tokio::test]
async fn a_refresh_token_that_nobody_used_for_a_month_is_over() {
    static AGE: Statement = Statement::new(
        "tests.age",
        "update sign_ins set used_at = now() - interval '31 days' from users
         where users.id = sign_ins.user_id and users.email = $1",
    );
    let email = nobody();
    let first = register(&email, GOOD).await.expect(201).json();
    assert_eq!(database().execute(AGE.bind(email.as_str())).await.expect("ages"), 1);
    refresh(&first["refresh_token"]).await.expect(401);
}

#[tokio::test]
async fn logging_out_ends_one_sign_in() {
    let email = nobody();
    let (first, second) = (register(&email, GOOD).await.expect(201).json(), login(&email, GOOD).await.json());
    let body = json!({ "refresh_token": first["refresh_token"] });
    for _ in 0..2 {
        post("logout", "/api/auth/logout", &body).await.expect(204);
    }
    refresh(&first["refresh_token"]).await.expect(401);
    refresh(&second["refresh_token"]).await.expect(200);
}

#[tokio::test]
async fn another_password_ends_every_other_sign_in() {
    let email = nobody();
    let (first, second) = (register(&email, GOOD).await.expect(201).json(), login(&email, GOOD).await.json());
    change(&email, "not it at all!", BETTER).await.expect(401);
    let changed = change(&email, GOOD, BETTER).await.expect(200).json();
    for ended in [first, second] {
        refresh(&ended["refresh_token"]).await.expect(401);
    }
    refresh(&changed["refresh_token"]).await.expect(200);
    login(&email, GOOD).await.expect(401);
    login(&email, BETTER).await.expect(200);
}

#[tokio::test]
async fn another_password_has_to_be_another_and_a_good_one() {
    let email = nobody();
    register(&email, GOOD).await.expect(201);
    for new in [GOOD, "too short", "passwordpassword"] {
        let problem = change(&email, GOOD, new).await.expect(422).json();
        assert_eq!(problem["errors"][0]["field"], "new_password", "{problem}");
    }
    login(&email, GOOD).await.expect(200);
}

#[tokio::test]
async fn a_password_that_somebody_else_chose_is_good_for_choosing_another() {
    static CHOSEN: Statement =
        Statement::new("tests.chosen", "update users set must_change_password = true where id = $1");
    let customer = Customer::register().await;
    database().execute(CHOSEN.bind(customer.id)).await.expect("updates");
    let problem = login(&customer.email, PASSWORD).await.expect(403).json();
    assert_eq!(problem["type"], "urn:millrace:problem:password-change-required");
    login(&customer.email, "not it at all!").await.expect(401);
    change(&customer.email, PASSWORD, BETTER).await.expect(200);
    login(&customer.email, BETTER).await.expect(200);
}

#[tokio::test]
async fn a_hash_of_another_shop_is_replaced_at_the_next_login() {
    static BRING: Statement =
        Statement::new("tests.bring", "update users set password_hash = $2 where id = $1");
    static HASH: Statement = Statement::new("tests.hash", "select password_hash from users where id = $1");
    let customer = Customer::register().await;
    let theirs = "$2b$04$abcdefghijklmnopqrstuumH1BFkDxi3LKCbP6FQ2juPgiLLcuV6S";
    database().execute(BRING.bind(customer.id).bind(theirs)).await.expect("updates");
    let hash = async || database().fetch_one::<(String,)>(HASH.bind(customer.id)).await.expect("finds").0;
    login(&customer.email, "pleaseletmeout").await.expect(401);
    assert_eq!(hash().await, theirs);
    login(&customer.email, "pleaseletmein").await.expect(200);
    assert!(hash().await.starts_with("$argon2id$"), "{}", hash().await);
    login(&customer.email, "pleaseletmein").await.expect(200);
}

#[tokio::test]
async fn who_leaves_is_forgotten_and_the_orders_stay() {
    static LEFT: Statement = Statement::new(
        "tests.left",
        "select (select count(*) from orders where user_id = users.id) from users
         where id = $1 and email not like '%example.com' and password_hash = ''",
    );
    let customer = Customer::register().await;
    let signed_in = login(&customer.email, PASSWORD).await.expect(200).json();
    let product = tests::new_product(1000, 5).await;
    customer.buys(&product).await.expect(201);
    customer.call("delete-me", "DELETE", "/api/me").send().await.expect(204);
    login(&customer.email, PASSWORD).await.expect(401);
    refresh(&signed_in["refresh_token"]).await.expect(401);
    customer.call("get-me", "GET", "/api/me").send().await.expect(401);
    // The token goes on being one; nobody buys with it any more.
    customer.buys(&product).await.expect(401);
    assert_eq!(tests::stock_of(&product).await, 4);
    let (orders,): (i64,) = database().fetch_one(LEFT.bind(customer.id)).await.expect("a row of nobody");
    assert_eq!(orders, 1);
    // The address is free for whoever comes next.
    register(&customer.email, GOOD).await.expect(201);
    let again = customer.call("delete-me", "DELETE", "/api/me").send().await.expect(401).json();
    assert_eq!(again["detail"], "The account of this access token no longer exists. Log in again.");
    login(&customer.email, GOOD).await.expect(200);
}

#[tokio::test]
async fn whatever_address_somebody_took_everybody_can_leave() {
    let customer = Customer::register().await;
    for taken in [format!("{}@erased.invalid", customer.id), format!("erased-{}@example.com", customer.id)] {
        register(&taken, GOOD).await.expect(201);
    }
    register(&format!("erased {}@example.com", customer.id), GOOD).await.expect(422);
    register(&format!("erased {}", customer.id), GOOD).await.expect(422);
    customer.call("delete-me", "DELETE", "/api/me").send().await.expect(204);
}
