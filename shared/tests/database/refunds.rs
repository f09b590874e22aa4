//! Money that goes back: once for each key, no more than was charged, and to its end, whoever crashes.

use serde_json::{Value, json};
use shared::accounts::erase;
use shared::auth::token::Role;
use shared::auth::{Subject, User};
use shared::checkout::{Item, RefundBegun, RefundRequest, RefundState, begin_refund};
use shared::database::Statement;
use shared::error::{Error, Result};
use uuid::Uuid;

use crate::charging::Order;
use crate::provider::{Provider, error, intent};

static END_LEASES: Statement = Statement::new(
    "test.end_leases",
    "update orders set lease_until = now(), next_attempt_at = coalesce(next_attempt_at, now())",
);
static ERASE_ALL: Statement = Statement::new("test.erase_all", "update users set erased_at = now()");
static IN_DINARS: Statement = Statement::new("test.in_dinars", "update orders set currency = 'kwd'");
static REFUNDED: Statement =
    Statement::new("test.refunded", "select refunded from payments where order_id = $1");
static HISTORY: Statement = Statement::new(
    "test.history",
    "select string_agg(event, ' ' order by at) from order_history where order_id = $1",
);

/// A paid order of 1,250.
async fn paid() -> Order {
    let order = Order::place().await;
    let provider = Provider::with_intent(&intent("requires_confirmation"));
    provider.says("confirm", 200, &intent("succeeded"));
    order.step(&provider).await;
    order
}

async fn begin(order: &Order, key: &str, body: &Value) -> Result<RefundBegun> {
    let text = body.to_string();
    let request = RefundRequest {
        order: order.id,
        administrator: User::of_shop(order.user(), Role::Administrator),
        key: key.parse().expect("a key"),
        body: text.as_bytes(),
        wanted: serde_json::from_value(body.clone()).expect("reads"),
    };
    begin_refund(&order.shop.functions, request).await
}

fn status(refused: &Error) -> u16 {
    refused.problem().kind().status().as_u16()
}

/// Who began it crashes; its lease runs out.
async fn crash(order: &Order) {
    order.shop.owner.execute(&END_LEASES).await.expect("updates");
}

async fn refunded(order: &Order) -> i64 {
    order.shop.owner.fetch_one::<(i64,)>(REFUNDED.bind(order.id)).await.expect("finds").0
}

fn given_back(amount: i64) -> Value {
    let mut shown = intent("succeeded");
    shown["latest_charge"]["amount_refunded"] = json!(amount);
    shown
}

/// The provider makes every refund, of 500, and shows that so much went back before.
fn provider(before: i64) -> Provider {
    giving(before, 500)
}

fn giving(before: i64, amount: i64) -> Provider {
    let provider = Provider::with_intent(&given_back(before));
    provider.says("refund", 200, &refund("succeeded", amount));
    provider
}

fn refund(status: &str, amount: i64) -> Value {
    json!({ "id": "re_1", "object": "refund", "status": status, "amount": amount })
}

fn back(order: &Order, amount: i64) -> Value {
    let item = Item { product_id: order.product(), quantity: 1 };
    json!({ "amount": amount, "returned": [{ "product_id": item.product_id, "quantity": item.quantity }] })
}

#[tokio::test]
async fn a_refund_that_was_begun_is_brought_to_its_end_once_by_whoever_comes_next() {
    let order = paid().await;
    let begun = begin(&order, "a", &back(&order, 500)).await.expect("begins");
    assert!(matches!(begun, RefundBegun::New(_, 500)));
    assert_eq!((refunded(&order).await, order.stock().await), (0, 9));
    crash(&order).await;
    let asked = provider(0);
    let (advanced, _) = order.step(&asked).await;
    assert_eq!(advanced.refund, Some(RefundState::Succeeded));
    assert_eq!((refunded(&order).await, order.stock().await), (500, 10));
    assert_eq!(asked.seen().iter().filter(|seen| seen.starts_with("refund ")).count(), 1);
    let repeated = begin(&order, "a", &back(&order, 500)).await.expect("is known");
    assert!(matches!(repeated, RefundBegun::Repeated(RefundState::Succeeded, 500)));
}

#[tokio::test]
async fn a_refund_that_the_provider_made_before_the_crash_is_not_made_again() {
    let order = paid().await;
    begin(&order, "a", &back(&order, 500)).await.expect("begins");
    crash(&order).await;
    let asked = provider(500);
    let (advanced, _) = order.step(&asked).await;
    assert_eq!(advanced.refund, Some(RefundState::Succeeded));
    assert!(asked.seen().iter().all(|seen| !seen.starts_with("refund")));
    assert_eq!((refunded(&order).await, order.stock().await), (500, 10));
}

#[tokio::test]
async fn a_refund_that_the_provider_refuses_moves_no_money_and_no_stock() {
    let order = paid().await;
    begin(&order, "a", &back(&order, 500)).await.expect("begins");
    crash(&order).await;
    let refusing = provider(0);
    let code = json!({ "code": "charge_already_refunded" });
    refusing.says("refund", 400, &error("invalid_request_error", &code));
    let (advanced, _) = order.step(&refusing).await;
    assert_eq!(advanced.refund, Some(RefundState::Failed));
    assert_eq!((refunded(&order).await, order.stock().await), (0, 9));
    // And does not keep the next one from being made.
    crash(&order).await;
    assert!(matches!(begin(&order, "b", &json!({})).await, Ok(RefundBegun::New(_, 1250))));
}

#[tokio::test]
async fn a_refund_that_is_refused_for_the_shops_fault_is_made_once_that_is_mended() {
    let order = paid().await;
    begin(&order, "a", &back(&order, 500)).await.expect("begins");
    for (status, kind, members) in [
        (400, "invalid_request_error", json!({ "message": "Invalid API version" })),
        (401, "invalid_request_error", json!({ "message": "Invalid API Key provided" })),
        (403, "invalid_request_error", json!({ "code": "platform_account_required" })),
        (400, "invalid_request_error", json!({ "code": "parameter_unknown", "param": "amount" })),
        (404, "invalid_request_error", json!({ "code": "resource_missing" })),
    ] {
        crash(&order).await;
        let refusing = provider(0);
        refusing.says("refund", status, &error(kind, &members));
        let (advanced, operator) = order.step(&refusing).await;
        assert_eq!((advanced.refund, operator), (None, true), "{status} {members}");
    }
    crash(&order).await;
    assert_eq!(order.step(&provider(0)).await.0.refund, Some(RefundState::Succeeded));
    assert_eq!((refunded(&order).await, order.stock().await), (500, 10));
}

#[tokio::test]
async fn a_refund_that_a_proxy_refused_and_forwarded_is_made() {
    let order = paid().await;
    let Ok(RefundBegun::New(lease, _)) = begin(&order, "a", &back(&order, 500)).await else {
        panic!("does not begin")
    };
    let forwarding = provider(500);
    forwarding.says("refund", 400, &error("invalid_request_error", &json!({ "message": "no" })));
    let (advanced, operator) = order.advance(*lease, &forwarding).await;
    assert_eq!((advanced.refund, operator), (Some(RefundState::Succeeded), false));
    assert_eq!((refunded(&order).await, order.stock().await), (500, 10));
}

#[tokio::test]
async fn one_refund_of_an_order_is_under_way_and_no_more_goes_back_than_was_charged() {
    let order = paid().await;
    for (amount, refused) in [(0, 422), (1251, 422)] {
        let refusal = begin(&order, "a", &json!({ "amount": amount })).await.err().expect("refused");
        assert_eq!(status(&refusal), refused, "{amount}");
    }
    let too_many = json!({ "returned": [{ "product_id": order.product(), "quantity": 2 }] });
    assert_eq!(status(&begin(&order, "a", &too_many).await.err().expect("refused")), 422);
    begin(&order, "a", &back(&order, 1000)).await.expect("begins");
    crash(&order).await;
    // Although its lease is free, the first is not at its end.
    assert_eq!(status(&begin(&order, "b", &json!({ "amount": 1 })).await.err().expect("refused")), 409);
    let another = begin(&order, "a", &json!({ "amount": 1 })).await.err().expect("refused");
    assert_eq!(status(&another), 422);
    order.step(&giving(0, 1000)).await;
    assert_eq!(status(&begin(&order, "b", &json!({ "amount": 251 })).await.err().expect("refused")), 422);
    begin(&order, "b", &json!({})).await.expect("begins");
    crash(&order).await;
    order.step(&giving(1000, 250)).await;
    assert_eq!((refunded(&order).await, order.stands().await.0.as_str()), (1250, "refunded"));
    let (history,): (String,) = order.shop.owner.fetch_one(HISTORY.bind(order.id)).await.expect("finds");
    assert!(history.starts_with("charging paid refund_pending"), "{history}");
    assert_eq!(history.matches("money_back").count(), 2, "{history}");
}

#[tokio::test]
async fn an_administrator_of_an_identity_provider_gets_a_row_with_the_first_refund() {
    static SUBJECT: Statement = Statement::new("test.subject", "select subject from users where id = $1");
    static KNOWN_AS: Statement =
        Statement::new("test.known_as", "select issuer, subject from users where id = $1");
    let order = paid().await;
    let subject = Subject { issuer: "https://id.example.com".to_owned(), name: "eve".to_owned() };
    let eve = User { id: subject.user_id(), role: Role::Administrator, subject: Some(subject) };
    let request = RefundRequest {
        order: order.id,
        administrator: eve.clone(),
        key: "a".parse().expect("a key"),
        body: b"{}",
        wanted: serde_json::from_value(json!({})).expect("reads"),
    };
    let begun = begin_refund(&order.shop.functions, request).await.expect("begins");
    assert!(matches!(begun, RefundBegun::New(..)));
    let known: (String, String) = order.shop.owner.fetch_one(KNOWN_AS.bind(eve.id)).await.expect("a row");
    assert_eq!(known, ("https://id.example.com".to_owned(), "eve".to_owned()));
    // What she may do, her provider says, so nobody waits for another administrator.
    erase(&order.shop.functions, &eve).await.expect("forgets");
    let forgotten: (Option<String>,) = order.shop.owner.fetch_one(SUBJECT.bind(eve.id)).await.expect("a row");
    assert_eq!(forgotten, (None,));
}

#[tokio::test]
async fn who_is_no_administrator_any_more_has_to_log_in() {
    let order = paid().await;
    let request = RefundRequest {
        order: order.id,
        administrator: User::of_shop(Uuid::now_v7(), Role::Administrator),
        key: "a".parse().expect("a key"),
        body: b"{}",
        wanted: serde_json::from_value(json!({})).expect("reads"),
    };
    let refused = begin_refund(&order.shop.functions, request).await.err().expect("refused");
    assert_eq!(status(&refused), 401);
}

#[tokio::test]
async fn whose_account_was_erased_gives_nothing_back_whatever_token_is_shown() {
    let order = paid().await;
    order.shop.owner.execute(&ERASE_ALL).await.expect("erases");
    let refused = begin(&order, "a", &back(&order, 500)).await.err().expect("refused");
    assert_eq!(status(&refused), 401);
}

#[tokio::test]
async fn a_part_is_given_back_in_the_steps_of_its_currency() {
    let order = paid().await;
    order.shop.owner.execute(&IN_DINARS).await.expect("changes");
    let refused = begin(&order, "a", &json!({ "amount": 505 })).await.err().expect("refused");
    assert_eq!(status(&refused), 422);
    let problem = refused.problem();
    let told = problem.errors().first().expect("a field");
    assert_eq!(
        (told.field.as_str(), told.message.as_str()),
        ("amount", "must come to a multiple of 0.010 kwd")
    );
    let begun = begin(&order, "a", &json!({ "amount": 510 })).await.expect("begins");
    assert!(matches!(begun, RefundBegun::New(_, 510)));
}

#[tokio::test]
async fn a_refund_whose_key_replays_a_failure_is_made_under_another_and_only_if_it_was_not_made() {
    for given in [0, 500] {
        let order = paid().await;
        let RefundBegun::New(..) = begin(&order, "back", &back(&order, 500)).await.expect("begins") else {
            panic!("it is new");
        };
        crash(&order).await;
        let provider = provider(0);
        provider.spends_the_first_key("refund");
        // Nothing was given back when it is looked at first, and so much when the key has said its say.
        provider.shows_then("look", &given_back(0), &given_back(given));
        order.step(&provider).await;
        let asked = provider.seen().iter().filter(|asked| asked.starts_with("refund ")).count();
        assert_eq!((refunded(&order).await, asked), (500, if given == 0 { 2 } else { 1 }));
    }
}

#[tokio::test]
async fn a_refund_that_may_still_be_made_has_not_failed_and_another_amount_is_not_this_one() {
    for answer in [
        refund("requires_action", 500),
        refund("a_status_of_tomorrow", 500),
        refund("succeeded", 50),
        refund("pending", 5000),
    ] {
        let order = paid().await;
        begin(&order, "a", &back(&order, 500)).await.expect("begins");
        crash(&order).await;
        let waiting = provider(0);
        waiting.says("refund", 200, &answer);
        let (advanced, operator) = order.step(&waiting).await;
        assert_eq!((advanced.refund, operator), (None, true), "{answer}");
        assert_eq!((refunded(&order).await, order.stock().await), (0, 9), "{answer}");
        // No other goes out beside it; and it ends as the charge shows.
        crash(&order).await;
        assert_eq!(status(&begin(&order, "b", &json!({})).await.err().expect("refused")), 409, "{answer}");
        assert_eq!(order.step(&provider(500)).await.0.refund, Some(RefundState::Succeeded), "{answer}");
        assert_eq!((refunded(&order).await, order.stock().await), (500, 10), "{answer}");
    }
    for ended in ["failed", "canceled"] {
        let order = paid().await;
        begin(&order, "a", &back(&order, 500)).await.expect("begins");
        crash(&order).await;
        let refusing = provider(0);
        refusing.says("refund", 200, &refund(ended, 500));
        let (advanced, operator) = order.step(&refusing).await;
        assert_eq!((advanced.refund, operator), (Some(RefundState::Failed), true), "{ended}");
    }
}
