//! Money that goes back: once for each key, no more than was charged, and to its end, whoever crashes.

use serde_json::{Value, json};
use shared::accounts::erase;
use shared::auth::token::Role;
use shared::auth::{Subject, User};
use shared::checkout::{
    Item, Lease, RefundBegun, RefundRequest, RefundState, begin_refund, claim, claim_to_cancel,
};
use shared::database::{self, Database, Query, Statement};
use shared::error::{Error, Result};
use shared::orders::{OrderId, OrderStatus};
use uuid::Uuid;

use crate::charging::Order;
use crate::checkout::PATIENCE;
use crate::provider::{Provider, error, intent};

static END_LEASES: Statement = Statement::new(
    "test.end_leases",
    "update orders set lease_until = now(), next_attempt_at = coalesce(next_attempt_at, now())",
);
static MAKE_DUE: Statement = Statement::new("test.make_due", "update orders set next_attempt_at = now()");
/// As the functions send them, for transactions that take their time.
static WRITE_REFUND: Statement =
    Statement::new("test.write_refund", include_str!("../../src/checkout/refund.sql"));
static WRITE_NEWS: Statement =
    Statement::new("test.write_news", include_str!("../../src/orders/due_by_intent.sql"));
static ERASE_ALL: Statement = Statement::new("test.erase_all", "update users set erased_at = now()");
static IN_DINARS: Statement = Statement::new("test.in_dinars", "update orders set currency = 'kwd'");
static REFUNDED: Statement =
    Statement::new("test.refunded", "select refunded from payments where order_id = $1");
static REFUND: Statement = Statement::new(
    "test.refund",
    "select id, status, attempt from refunds where order_id = $1 and idempotency_key = $2",
);
static BEGUN: Statement = Statement::new(
    "test.begun",
    "select extract(epoch from created_at)::bigint from refunds where order_id = $1 order by id desc limit 1",
);
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
    begin_as(&order.shop.functions, order.administrator(), order.id, key, body).await
}

async fn begin_as(
    database: &Database,
    administrator: User,
    order: OrderId,
    key: &str,
    body: &Value,
) -> Result<RefundBegun> {
    let text = body.to_string();
    let request = RefundRequest {
        order,
        administrator,
        key: key.parse().expect("a key"),
        body: text.as_bytes(),
        wanted: serde_json::from_value(body.clone()).expect("reads"),
    };
    begin_refund(database, request).await
}

/// The same refund under each key, all begun before any of them has written anything.
async fn begin_at_once(order: &Order, keys: [&'static str; 2], body: &Value) -> Vec<Result<RefundBegun>> {
    static HOLD_ORDER: Statement =
        Statement::new("test.hold_order", "select from orders where id = $1 for update");
    let held = order.shop.owner.transaction(async |tx| {
        tx.execute(HOLD_ORDER.bind(order.id)).await?;
        let begin = |key| {
            let (functions, administrator, id, body) =
                (order.shop.functions.clone(), order.administrator(), order.id, body.clone());
            tokio::spawn(async move { begin_as(&functions, administrator, id, key, &body).await })
        };
        let begun = keys.map(begin);
        order.shop.so_many_wait(2).await;
        Ok::<_, database::Error>(begun)
    });
    let mut outcomes = Vec::new();
    for begun in held.await.expect("commits") {
        outcomes.push(begun.await.expect("no panic"));
    }
    outcomes
}

fn status(refused: &Error) -> u16 {
    refused.problem().kind().status().as_u16()
}

/// The status of the answer that refuses it.
async fn refusal(order: &Order, key: &str, body: &Value) -> u16 {
    status(&begin(order, key, body).await.err().expect("refused"))
}

/// Who began it crashes; its lease runs out.
async fn crash(order: &Order) {
    order.shop.owner.execute(&END_LEASES).await.expect("updates");
}

async fn refunded(order: &Order) -> i64 {
    order.shop.owner.fetch_one::<(i64,)>(REFUNDED.bind(order.id)).await.expect("finds").0
}

/// A paid intent of which so much was given back.
pub(crate) fn given_back(amount: i64) -> Value {
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

/// It has given nothing back, and answers whoever asks for that with this.
fn that_answers(status: u16, body: &Value) -> Provider {
    let provider = provider(0);
    provider.says("refund", status, body);
    provider
}

pub(crate) fn refund(status: &str, amount: i64) -> Value {
    json!({ "id": "re_1", "object": "refund", "status": status, "amount": amount, "currency": "usd",
        "charge": "ch_1", "payment_intent": "pi_1" })
}

/// The same with the charge that it is of, of which so much has gone back in all.
fn shown(refund: &Value, in_all: i64) -> Value {
    let mut shown = refund.clone();
    shown["charge"] = json!({ "id": "ch_1", "status": "succeeded", "amount_refunded": in_all });
    shown
}

/// What the provider lists.
fn listed(refunds: &[Value]) -> Value {
    json!({ "data": refunds, "has_more": false })
}

/// One that somebody made at the dashboard.
fn elsewhere(amount: i64) -> Value {
    let mut elsewhere = refund("succeeded", amount);
    (elsewhere["id"], elsewhere["metadata"]) = (json!("re_9"), json!({}));
    elsewhere
}

impl Order {
    /// Who gives it back.
    fn administrator(&self) -> User {
        User::of_shop(self.user, Role::Administrator)
    }

    /// The refund of this key: its id, how it stands, and how many of its keys are spent.
    async fn refund(&self, key: &str) -> (Uuid, String, i32) {
        self.shop.owner.fetch_one(REFUND.bind(self.id).bind(key)).await.expect("is there")
    }

    /// One step forward: how its refund ended, if it has, and whether an operator was called.
    async fn gives_back(&self, provider: &Provider) -> (Option<RefundState>, bool) {
        let (advanced, operator) = self.step(provider).await;
        (advanced.refund, operator)
    }

    /// As the provider lists the refund of this key.
    async fn ours(&self, key: &str, status: &str, amount: i64) -> Value {
        let mut ours = refund(status, amount);
        ours["metadata"] = json!({ "order_id": self.id, "refund_id": self.refund(key).await.0 });
        ours
    }
}

/// A provider that has given back so much, and this refund is among it.
fn that_made(ours: &Value, in_all: i64) -> Provider {
    let provider = provider(in_all);
    provider.says("refunds", 200, &listed(&[elsewhere(1), ours.clone()]));
    provider
}

/// The keys under which a refund was asked for.
fn keys(provider: &Provider) -> Vec<String> {
    let seen = provider.seen();
    seen.iter().filter_map(|seen| seen.strip_prefix("refund refund:")).map(str::to_owned).collect()
}

/// A paid order of which 500 and its piece go back under the key `a`; who began that has crashed.
async fn under_way() -> Order {
    let order = paid().await;
    begin(&order, "a", &back(&order, 500)).await.expect("begins");
    crash(&order).await;
    order
}

fn back(order: &Order, amount: i64) -> Value {
    let item = Item { product_id: order.product, quantity: 1 };
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
    assert_eq!(order.step(&asked).await.0.refund, Some(RefundState::Succeeded));
    assert_eq!((refunded(&order).await, order.stock().await), (500, 10));
    assert_eq!(asked.seen().iter().filter(|seen| seen.starts_with("refund ")).count(), 1);
    let repeated = begin(&order, "a", &back(&order, 500)).await.expect("is known");
    assert!(matches!(repeated, RefundBegun::Repeated(RefundState::Succeeded, 500)));
}

#[tokio::test]
async fn a_refund_that_the_provider_made_before_the_crash_is_not_made_again() {
    let order = under_way().await;
    let asked = that_made(&order.ours("a", "succeeded", 500).await, 500);
    assert_eq!(order.step(&asked).await.0.refund, Some(RefundState::Succeeded));
    assert_eq!(asked.seen(), ["refunds", "look"]);
    assert_eq!((refunded(&order).await, order.stock().await), (500, 10));
}

#[tokio::test]
async fn a_refund_that_the_provider_refuses_moves_no_money_and_no_stock() {
    let order = under_way().await;
    let code = json!({ "code": "charge_already_refunded" });
    let refusing = that_answers(400, &error("invalid_request_error", &code));
    assert_eq!(order.step(&refusing).await.0.refund, Some(RefundState::Failed));
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
        let refusing = that_answers(status, &error(kind, &members));
        assert_eq!(order.gives_back(&refusing).await, (None, true), "{status} {members}");
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
    let forwarding = that_made(&order.ours("a", "succeeded", 500).await, 500);
    forwarding.says("refund", 400, &error("invalid_request_error", &json!({ "message": "no" })));
    let (advanced, operator) = order.advance(*lease, &forwarding).await;
    assert_eq!((advanced.refund, operator), (Some(RefundState::Succeeded), false));
    assert_eq!((refunded(&order).await, order.stock().await), (500, 10));
}

#[tokio::test]
async fn a_word_that_is_not_the_providers_or_is_about_access_ends_no_refund() {
    let of_the_refund = |code: &str| json!({ "error": { "code": code } });
    let mut typed = of_the_refund("charge_already_refunded");
    typed["error"]["type"] = json!("invalid_request_error");
    for (status, body) in [
        (403, of_the_refund("charge_already_refunded")),
        (400, of_the_refund("amount_too_large")),
        (403, typed.clone()),
        (401, typed),
    ] {
        let order = under_way().await;
        let refusing = that_answers(status, &body);
        assert_eq!(order.gives_back(&refusing).await, (None, true), "{status} {body}");
        crash(&order).await;
        assert_eq!(order.step(&provider(0)).await.0.refund, Some(RefundState::Succeeded), "{status} {body}");
    }
}

/// A refund of 500 that contradicts what is known of the order in one thing each.
fn of_another() -> Vec<Value> {
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut refund = refund("succeeded", 500);
        change(&mut refund);
        refund
    };
    vec![
        changed(&|refund| refund["payment_intent"] = json!("pi_of_another")),
        changed(&|refund| {
            refund["payment_intent"] = json!({ "id": "pi_of_another", "object": "payment_intent" });
        }),
        changed(&|refund| refund["metadata"] = json!({ "order_id": Uuid::now_v7() })),
        changed(&|refund| refund["charge"] = json!("ch_of_another")),
        changed(&|refund| {
            *refund = shown(refund, 1250);
            refund["charge"]["id"] = json!("ch_of_another");
        }),
        changed(&|refund| refund["currency"] = json!("eur")),
        changed(&|refund| refund["amount"] = json!(5000)),
    ]
}

#[tokio::test]
async fn what_is_said_of_another_refund_gives_nothing_back_and_calls_an_operator() {
    let mut of_another_refund = refund("succeeded", 500);
    of_another_refund["metadata"] = json!({ "refund_id": Uuid::now_v7() });
    // Nor does one count that does not say of what it is.
    let nameless = json!({ "id": "re_1", "status": "succeeded", "amount": 500, "currency": "usd" });
    for answer in of_another().into_iter().chain([of_another_refund, nameless]) {
        let order = under_way().await;
        let asked = that_answers(200, &answer);
        assert_eq!(order.gives_back(&asked).await, (None, true), "{answer}");
        let stands = (order.stands().await.0, refunded(&order).await, order.stock().await);
        assert_eq!(stands, ("paid".to_owned(), 0, 9), "{answer}");
        // Once its own is shown it is made.
        crash(&order).await;
        let listing = that_made(&order.ours("a", "succeeded", 500).await, 500);
        assert_eq!(order.step(&listing).await.0.refund, Some(RefundState::Succeeded), "{answer}");
        assert_eq!((refunded(&order).await, order.stock().await), (500, 10), "{answer}");
    }
}

#[tokio::test]
async fn a_refund_whose_charge_is_not_shown_or_shows_what_cannot_be_is_looked_at_once_more() {
    let mut missing = shown(&refund("succeeded", 500), 0);
    missing["charge"].as_object_mut().expect("an object").remove("amount_refunded");
    let answers = [-5, 5000].map(|in_all| shown(&refund("succeeded", 500), in_all));
    for answer in answers.into_iter().chain([missing, refund("succeeded", 500)]) {
        let order = under_way().await;
        let asked = that_answers(200, &answer);
        assert_eq!(order.step(&asked).await.0.refund, Some(RefundState::Succeeded), "{answer}");
        assert_eq!(
            (refunded(&order).await, order.stands().await),
            (500, ("paid".into(), Some(0))),
            "{answer}"
        );
        let (_, operator) = order.step(&provider(500)).await;
        assert_eq!((operator, refunded(&order).await), (false, 500), "{answer}");
        assert_eq!(order.stands().await, ("paid".to_owned(), None), "{answer}");
    }
}

#[tokio::test]
async fn one_refund_of_an_order_is_under_way_and_no_more_goes_back_than_was_charged() {
    let order = paid().await;
    for (amount, refused) in [(0, 422), (1251, 422)] {
        assert_eq!(refusal(&order, "a", &json!({ "amount": amount })).await, refused, "{amount}");
    }
    let too_many = json!({ "returned": [{ "product_id": order.product, "quantity": 2 }] });
    assert_eq!(refusal(&order, "a", &too_many).await, 422);
    begin(&order, "a", &back(&order, 1000)).await.expect("begins");
    crash(&order).await;
    // Although its lease is free, the first is not at its end.
    assert_eq!(refusal(&order, "b", &json!({ "amount": 1 })).await, 409);
    assert_eq!(refusal(&order, "a", &json!({ "amount": 1 })).await, 422);
    order.step(&giving(0, 1000)).await;
    assert_eq!(refusal(&order, "b", &json!({ "amount": 251 })).await, 422);
    begin(&order, "b", &json!({})).await.expect("begins");
    crash(&order).await;
    order.step(&giving(1000, 250)).await;
    assert_eq!((refunded(&order).await, order.stands().await.0.as_str()), (1250, "refunded"));
    let (history,): (String,) = order.shop.owner.fetch_one(HISTORY.bind(order.id)).await.expect("finds");
    assert!(history.starts_with("charging paid refund_pending"), "{history}");
    assert_eq!(history.matches("money_back").count(), 2, "{history}");
}

#[tokio::test]
async fn while_somebody_has_an_order_in_hand_nothing_of_it_is_given_back_whichever_way() {
    static HOLD: Statement = Statement::new(
        "test.hold",
        "update orders set lease_until = now() + interval '1 minute' where id = $1",
    );
    let order = paid().await;
    order.shop.owner.execute(HOLD.bind(order.id)).await.expect("updates");
    let ways = [json!({ "amount": 500 }), json!({ "amount": 500, "by_other_means": true })];
    for body in &ways {
        assert_eq!((refusal(&order, "a", body).await, refunded(&order).await), (409, 0), "{body}");
    }
    crash(&order).await;
    for (key, body) in ["a", "b"].into_iter().zip(ways.iter().rev()) {
        begin(&order, key, body).await.expect("begins");
    }
}

#[tokio::test]
async fn an_administrator_of_an_identity_provider_gets_a_row_with_the_first_refund() {
    static SUBJECT: Statement = Statement::new("test.subject", "select subject from users where id = $1");
    static KNOWN_AS: Statement =
        Statement::new("test.known_as", "select issuer, subject from users where id = $1");
    let order = paid().await;
    let subject = Subject { issuer: "https://id.example.com".to_owned(), name: "eve".to_owned() };
    let eve = User { id: subject.user_id(), role: Role::Administrator, subject: Some(subject) };
    let begun = begin_as(&order.shop.functions, eve.clone(), order.id, "a", &json!({})).await;
    assert!(matches!(begun.expect("begins"), RefundBegun::New(..)));
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
    let nobody = User::of_shop(Uuid::now_v7(), Role::Administrator);
    let refused = begin_as(&order.shop.functions, nobody, order.id, "a", &json!({})).await;
    assert_eq!(status(&refused.err().expect("refused")), 401);
}

#[tokio::test]
async fn whose_account_was_erased_gives_nothing_back_whatever_token_is_shown() {
    let order = paid().await;
    order.shop.owner.execute(&ERASE_ALL).await.expect("erases");
    assert_eq!(refusal(&order, "a", &back(&order, 500)).await, 401);
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
    // All that is left is held to it like any part; what went another way went as it could.
    let otherwise = json!({ "amount": 5, "by_other_means": true });
    assert!(matches!(begin(&order, "b", &otherwise).await, Ok(RefundBegun::Noted(5))));
    let rest = begin(&order, "c", &json!({})).await.err().expect("refused");
    let told = rest.problem().errors().first().map(|told| told.message.clone());
    assert_eq!((status(&rest), told.as_deref()), (422, Some("must come to a multiple of 0.010 kwd")));
    let begun = begin(&order, "a", &json!({ "amount": 510 })).await.expect("begins");
    assert!(matches!(begun, RefundBegun::New(_, 510)));
}

#[tokio::test]
async fn a_refund_that_is_submitted_twice_at_once_is_one() {
    let order = paid().await;
    // Twice as much would be more than there is.
    let otherwise = json!({ "amount": 1000, "by_other_means": true });
    let mut outcomes = begin_at_once(&order, ["a", "a"], &otherwise).await;
    outcomes.sort_by_key(|outcome| !matches!(outcome, Ok(RefundBegun::Noted(1000))));
    let [Ok(RefundBegun::Noted(1000)), Ok(RefundBegun::Repeated(RefundState::Succeeded, 1000))] =
        &outcomes[..]
    else {
        panic!("it is told as another")
    };
    assert_eq!(refunded(&order).await, 1000);

    let mut outcomes = begin_at_once(&order, ["b", "b"], &json!({})).await;
    outcomes.sort_by_key(|outcome| !matches!(outcome, Ok(RefundBegun::New(_, 250))));
    let [Ok(RefundBegun::New(_, 250)), Ok(RefundBegun::Repeated(RefundState::Pending, 250))] = &outcomes[..]
    else {
        panic!("it is told as another")
    };
}

#[tokio::test]
async fn of_two_who_take_the_same_last_piece_back_at_once_one_does() {
    let order = paid().await;
    let mut otherwise = back(&order, 300);
    otherwise["by_other_means"] = json!(true);
    let outcomes = begin_at_once(&order, ["a", "b"], &otherwise).await;
    let mut told: Vec<_> =
        outcomes.iter().map(|outcome| outcome.as_ref().err().map_or(200, status)).collect();
    told.sort_unstable();
    assert_eq!(told, [200, 422]);
    assert_eq!((refunded(&order).await, order.stock().await), (300, 10));
}

#[tokio::test]
async fn a_refund_is_written_down_although_its_pieces_are_back_already() {
    static BACK: Statement = Statement::new("test.back", "update order_items set returned = quantity");
    let order = under_way().await;
    order.shop.owner.execute(&BACK).await.expect("updates");
    assert_eq!(order.step(&provider(0)).await.0.refund, Some(RefundState::Succeeded));
    assert_eq!((refunded(&order).await, order.stock().await), (500, 9));
}

/// An order whose customer cancelled it and paid it all the same.
pub(crate) async fn unwanted() -> Order {
    let order = Order::place().await;
    order.step(&Provider::with_intent(&intent("requires_action"))).await;
    claim_to_cancel(&order.shop.functions, order.user, order.id).await.expect("answers").expect("theirs");
    crash(&order).await;
    order.step(&Provider::with_intent(&intent("succeeded"))).await;
    assert_eq!((order.stands().await.0.as_str(), order.stock().await), ("refund_pending", 10));
    order
}

#[tokio::test]
async fn the_pieces_of_what_was_never_sold_come_back_once() {
    let order = unwanted().await;
    let failing = that_answers(200, &refund("failed", 1250));
    order.step(&failing).await;
    crash(&order).await;
    let mut otherwise = back(&order, 1250);
    otherwise["by_other_means"] = json!(true);
    let refused = begin(&order, "a", &otherwise).await.err().expect("refused");
    assert_eq!((status(&refused), order.stock().await), (422, 10));
    assert_eq!(refused.problem().errors()[0].message, "at most 0 of the order can be returned");
    assert!(matches!(
        begin(&order, "a", &json!({ "by_other_means": true })).await,
        Ok(RefundBegun::Noted(1250))
    ));
    assert_eq!((order.stands().await.0.as_str(), order.stock().await), ("refunded", 10));
}

/// One of whose account the payment is not.
fn of_another_account() -> Provider {
    let missing = error("invalid_request_error", &json!({ "code": "resource_missing" }));
    let provider = Provider::that_says(404, &missing);
    provider.says("refunds", 404, &missing);
    provider
}

/// Nobody has mended that for a day.
async fn a_day_later(order: &Order) {
    static LATER: Statement = Statement::new(
        "test.later",
        "update orders set lease_until = now(), next_attempt_at = now(), \
         waits_since = waits_since - interval '1 day'",
    );
    order.shop.owner.execute(&LATER).await.expect("updates");
}

#[tokio::test]
async fn a_refund_of_a_payment_that_the_provider_does_not_know_fails_and_the_money_goes_another_way() {
    let order = paid().await;
    let Ok(RefundBegun::New(lease, _)) = begin(&order, "a", &back(&order, 500)).await else {
        panic!("does not begin")
    };
    let (advanced, operator) = order.advance(*lease, &of_another_account()).await;
    assert_eq!((advanced.refund, operator), (Some(RefundState::Failed), true));
    assert_eq!((order.stands().await, order.stock().await), (("paid".to_owned(), None), 9));
    let otherwise = begin(&order, "b", &json!({ "by_other_means": true })).await;
    assert!(matches!(otherwise, Ok(RefundBegun::Noted(1250))));
    // The last look at it is the last.
    order.step(&of_another_account()).await;
    assert_eq!(order.stands().await, ("refunded".to_owned(), None));
}

#[tokio::test]
async fn a_refund_that_may_have_been_made_with_other_keys_fails_only_where_they_stay_away() {
    let order = under_way().await;
    assert_eq!(order.gives_back(&of_another_account()).await, (None, true));
    // The payment is known, says one who does not list its refunds.
    a_day_later(&order).await;
    let in_two_minds = of_another_account();
    in_two_minds.says("look", 200, &given_back(0));
    assert_eq!(order.step(&in_two_minds).await.0.refund, None);
    a_day_later(&order).await;
    assert_eq!(order.gives_back(&of_another_account()).await, (Some(RefundState::Failed), true));
    assert_eq!((order.stands().await, refunded(&order).await), (("paid".to_owned(), None), 0));
}

#[tokio::test]
async fn what_cannot_be_given_back_where_it_was_paid_is_left_to_a_person_after_a_day() {
    let order = unwanted().await;
    let otherwise = json!({ "by_other_means": true });
    let (_, operator) = order.step(&of_another_account()).await;
    assert!(operator);
    assert_eq!(refusal(&order, "a", &otherwise).await, 409);
    a_day_later(&order).await;
    let (_, operator) = order.step(&of_another_account()).await;
    assert!(operator);
    assert_eq!((order.stands().await.0.as_str(), refunded(&order).await), ("refund_pending", 0));
    assert!(matches!(begin(&order, "a", &otherwise).await, Ok(RefundBegun::Noted(1250))));
    order.step(&of_another_account()).await;
    assert_eq!(order.stands().await, ("refunded".to_owned(), None));
}

#[tokio::test]
async fn a_refund_whose_key_replays_a_failure_is_made_under_another_and_only_if_it_was_not_made() {
    for made in [false, true] {
        let order = paid().await;
        begin(&order, "back", &back(&order, 500)).await.expect("begins");
        crash(&order).await;
        let provider = provider(if made { 500 } else { 0 });
        provider.spends_the_first_key("refund");
        // Nothing was given back when it is looked at first, and this when the key has said its say.
        let ours = order.ours("back", "succeeded", 500).await;
        provider.shows_then(
            "refunds",
            &listed(&[]),
            &listed(if made { std::slice::from_ref(&ours) } else { &[] }),
        );
        order.step(&provider).await;
        assert_eq!((refunded(&order).await, keys(&provider).len()), (500, if made { 1 } else { 2 }));
    }
}

#[tokio::test]
async fn a_refund_whose_key_replays_a_refusal_is_made_under_another_once_its_cause_is_mended() {
    for (code, status) in
        [("balance_insufficient", 400), ("insufficient_funds", 400), ("processing_error", 402)]
    {
        let order = under_way().await;
        let refusal =
            error("invalid_request_error", &json!({ "code": code, "message": "Insufficient funds" }));
        let refusing = that_answers(status, &refusal);
        assert_eq!(order.gives_back(&refusing).await, (None, true), "{code}");
        assert_eq!(refunded(&order).await, 0);
        // The balance was topped up, and the key does not know that.
        crash(&order).await;
        let mended = provider(0);
        mended.replays("refund", status, &refusal);
        assert_eq!(order.gives_back(&mended).await, (Some(RefundState::Succeeded), false), "{code}");
        let (id, _, attempt) = order.refund("a").await;
        let first = format!("{}:{id}", order.id);
        assert_eq!((keys(&mended), attempt), (vec![first.clone(), format!("{first}:1")], 1));
    }
}

#[tokio::test]
async fn the_keys_of_a_refund_do_not_run_out_and_are_used_one_after_another() {
    let order = paid().await;
    begin(&order, "a", &back(&order, 500)).await.expect("begins");
    let id = order.refund("a").await.0;
    for attempt in 0..15 {
        crash(&order).await;
        let failing = provider(0);
        let empty = error("invalid_request_error", &json!({ "code": "balance_insufficient" }));
        failing.replays("refund", 400, &empty);
        failing.says("refund", 400, &empty);
        assert_eq!(order.step(&failing).await.0.refund, None);
        let last = if attempt == 0 { id.to_string() } else { format!("{id}:{attempt}") };
        let next = format!("{}:{id}:{}", order.id, attempt + 1);
        assert_eq!(keys(&failing), [format!("{}:{last}", order.id), next]);
    }
    crash(&order).await;
    assert_eq!(order.step(&provider(0)).await.0.refund, Some(RefundState::Succeeded));
}

#[tokio::test]
async fn a_provider_that_replays_whatever_the_key_calls_an_operator() {
    let order = under_way().await;
    let reused = that_answers(400, &error("idempotency_error", &json!({})));
    let (advanced, operator) = order.step(&reused).await;
    assert_eq!((advanced.refund, operator, keys(&reused).len()), (None, true, 2));
}

#[tokio::test]
async fn what_was_given_back_at_the_dashboard_is_not_taken_for_a_refund_that_is_under_way() {
    let order = under_way().await;
    let provider = provider(500);
    provider.says("refunds", 200, &listed(&[elsewhere(500)]));
    provider.says("refund", 200, &shown(&refund("succeeded", 500), 1000));
    let (advanced, _) = order.step(&provider).await;
    assert_eq!((advanced.refund, keys(&provider).len()), (Some(RefundState::Succeeded), 1));
    assert_eq!((refunded(&order).await, order.stock().await), (1000, 10));
}

#[tokio::test]
async fn what_was_given_back_at_the_dashboard_while_a_refund_is_under_way_is_in_the_books() {
    // All of it, so that ours cannot be made any more.
    let order = under_way().await;
    let all_gone = provider(1250);
    all_gone.says("refunds", 200, &listed(&[elsewhere(1250)]));
    let code = json!({ "code": "charge_already_refunded" });
    all_gone.says("refund", 400, &error("invalid_request_error", &code));
    assert_eq!(order.step(&all_gone).await.0.refund, Some(RefundState::Failed));
    order.step(&all_gone).await;
    assert_eq!((refunded(&order).await, order.stands().await.0.as_str()), (1250, "refunded"));
    assert_eq!(order.stock().await, 9);

    // A part, beside ours, which is listed with it.
    for (in_all, status) in [(750, "paid"), (1250, "refunded")] {
        let order = under_way().await;
        let asked = that_made(&order.ours("a", "succeeded", 500).await, in_all);
        assert_eq!(order.step(&asked).await.0.refund, Some(RefundState::Succeeded));
        assert_eq!((refunded(&order).await, order.stands().await.0.as_str()), (in_all, status));
    }
}

#[tokio::test]
async fn a_refund_after_which_the_charge_shows_less_is_looked_at_once_more() {
    let order = paid().await;
    for (key, in_all) in [("a", 500), ("b", 500)] {
        begin(&order, key, &json!({ "amount": 500 })).await.expect("begins");
        crash(&order).await;
        let asked = that_answers(200, &shown(&refund("succeeded", 500), in_all));
        assert_eq!(order.step(&asked).await.0.refund, Some(RefundState::Succeeded));
    }
    assert_eq!(order.stands().await, ("paid".to_owned(), Some(0)));
    let (_, operator) = order.step(&provider(500)).await;
    assert_eq!((refunded(&order).await, operator, order.stands().await.1), (500, true, None));
}

#[tokio::test]
async fn a_refund_of_a_version_that_did_not_name_it_is_known_by_its_order_amount_and_time() {
    for (seconds, amount, asked) in [(0, 500, 0), (-120, 500, 1), (0, 400, 1)] {
        let order = under_way().await;
        let (begun,): (i64,) = order.shop.owner.fetch_one(BEGUN.bind(order.id)).await.expect("finds");
        let mut nameless = refund("succeeded", amount);
        nameless["metadata"] = json!({ "order_id": order.id });
        nameless["created"] = json!(begun + seconds);
        let provider = that_made(&nameless, amount);
        order.step(&provider).await;
        assert_eq!(keys(&provider).len(), asked, "{seconds} {amount}");
    }
}

#[tokio::test]
async fn a_list_of_another_payment_or_without_an_end_makes_no_refund() {
    let others = of_another().into_iter().map(|refund| (listed(&[elsewhere(1), refund]), 1));
    let endless = json!({ "data": [elsewhere(1)], "has_more": true });
    let silent = json!({ "data": [elsewhere(1)], "has_more": null });
    let empty = json!({ "data": [], "has_more": true });
    for (list, pages) in others.chain([(endless, 20), (silent, 20), (empty, 1)]) {
        let order = under_way().await;
        let provider = provider(0);
        provider.says("refunds", 200, &list);
        assert_eq!(order.gives_back(&provider).await, (None, true), "{list}");
        assert_eq!(provider.seen(), vec!["refunds"; pages], "{list}");
    }
}

#[tokio::test]
async fn a_refund_that_waited_at_the_provider_and_was_cancelled_there_makes_room_for_the_next() {
    let order = under_way().await;
    let waiting = that_answers(200, &refund("requires_action", 500));
    order.step(&waiting).await;
    for (status, state) in [("requires_action", None), ("canceled", Some(RefundState::Failed))] {
        crash(&order).await;
        let asked = that_made(&order.ours("a", status, 500).await, 0);
        assert_eq!(order.step(&asked).await.0.refund, state, "{status}");
        assert_eq!(asked.seen(), ["refunds"]);
    }
    crash(&order).await;
    assert!(matches!(begin(&order, "b", &json!({})).await, Ok(RefundBegun::New(_, 1250))));
}

#[tokio::test]
async fn a_refund_that_failed_after_all_is_told_as_failed_and_may_be_made_anew() {
    let order = paid().await;
    for key in ["a", "b"] {
        begin(&order, key, &json!({ "amount": 500 })).await.expect("begins");
        crash(&order).await;
        let mut answer = refund("succeeded", 500);
        answer["id"] = json!(format!("re_{key}"));
        order.step(&that_answers(200, &answer)).await;
    }
    assert_eq!(refunded(&order).await, 1000);
    // The provider says that the second came back; the one of an older version is known by the provider's id alone.
    crash(&order).await;
    let mut failed = refund("failed", 500);
    failed["id"] = json!("re_b");
    let looks = provider(500);
    looks.says("refunds", 200, &listed(&[failed, order.ours("a", "succeeded", 500).await]));
    let (_, operator) = order.step(&looks).await;
    assert_eq!((refunded(&order).await, operator), (500, true));
    assert_eq!((order.refund("a").await.1, order.refund("b").await.1), ("succeeded".into(), "failed".into()));
    let told = begin(&order, "b", &json!({ "amount": 500 })).await.expect("is known");
    assert!(matches!(told, RefundBegun::Repeated(RefundState::Failed, 500)));
    assert!(matches!(begin(&order, "c", &json!({})).await, Ok(RefundBegun::New(_, 750))));
}

/// An order that was to be given back as a whole, and the bank has refused the money.
async fn whose_refund_failed() -> Order {
    let order = paid().await;
    begin(&order, "whole", &json!({})).await.expect("begins");
    crash(&order).await;
    order.step(&giving(0, 1250)).await;
    crash(&order).await;
    let looks = provider(0);
    looks.says("refunds", 200, &listed(&[order.ours("whole", "failed", 1250).await]));
    order.step(&looks).await;
    assert_eq!((order.stands().await.0.as_str(), refunded(&order).await), ("refund_pending", 0));
    assert_eq!(order.refund("whole").await.1, "failed");
    order
}

#[tokio::test]
async fn an_administrator_says_that_the_money_went_another_way_and_the_order_ends() {
    let order = whose_refund_failed().await;
    let otherwise = json!({ "by_other_means": true });
    let while_held = begin(&order, "b", &otherwise).await;
    assert!(matches!(while_held, Ok(RefundBegun::Noted(1250))));
    assert!(matches!(
        begin(&order, "b", &otherwise).await,
        Ok(RefundBegun::Repeated(RefundState::Succeeded, 1250))
    ));
    assert_eq!(refusal(&order, "c", &otherwise).await, 409);
    assert_eq!((order.stands().await.0.as_str(), refunded(&order).await), ("refunded", 1250));
    // The provider still shows nothing of it, and nobody is called for that any more.
    let (_, operator) = order.step(&provider(0)).await;
    assert_eq!((operator, order.stands().await), (false, ("refunded".to_owned(), None)));
    assert_eq!(refunded(&order).await, 1250);
    let (history,): (String,) = order.shop.owner.fetch_one(HISTORY.bind(order.id)).await.expect("finds");
    assert!(history.contains("refund_succeeded"), "{history}");
}

#[tokio::test]
async fn a_part_that_went_another_way_counts_beside_what_the_charge_shows() {
    let order = paid().await;
    let part = json!({ "amount": 300, "by_other_means": true, "returned": back(&order, 1)["returned"] });
    assert!(matches!(begin(&order, "a", &part).await, Ok(RefundBegun::Noted(300))));
    assert_eq!((refunded(&order).await, order.stock().await), (300, 10));
    for (amount, told) in [(951, 422), (0, 422)] {
        let more = json!({ "amount": amount, "by_other_means": true });
        assert_eq!(refusal(&order, "b", &more).await, told);
    }
    // A refund through the provider knows of it, and so does a look.
    begin(&order, "c", &json!({ "amount": 500 })).await.expect("begins");
    assert_eq!(refusal(&order, "d", &part).await, 409, "one is under way");
    crash(&order).await;
    let asked = that_answers(200, &shown(&refund("succeeded", 500), 500));
    order.step(&asked).await;
    assert_eq!((refunded(&order).await, order.stands().await), (800, ("paid".to_owned(), None)));
    begin(&order, "e", &json!({ "by_other_means": true })).await.expect("is written down");
    let (_, operator) = order.step(&provider(500)).await;
    assert_eq!((operator, order.stands().await), (false, ("refunded".to_owned(), None)));
}

#[tokio::test]
async fn money_that_is_being_given_back_is_not_said_to_have_gone_another_way() {
    static PENDING: Statement = Statement::new(
        "test.refund_pending",
        "update orders set status = 'refund_pending', lease_until = null",
    );
    let order = paid().await;
    order.shop.owner.execute(&PENDING).await.expect("updates");
    assert_eq!(refusal(&order, "a", &json!({ "by_other_means": true })).await, 409);
    assert_eq!(refunded(&order).await, 0);
}

#[tokio::test]
async fn a_refund_that_may_still_be_made_has_not_failed_and_another_amount_is_not_this_one() {
    let mut of_no_status = refund("pending", 500);
    of_no_status["status"] = Value::Null;
    for answer in [
        refund("requires_action", 500),
        refund("a_status_of_tomorrow", 500),
        of_no_status,
        refund("succeeded", 50),
        refund("pending", 5000),
    ] {
        let order = under_way().await;
        let waiting = that_answers(200, &answer);
        assert_eq!(order.gives_back(&waiting).await, (None, true), "{answer}");
        assert_eq!((refunded(&order).await, order.stock().await), (0, 9), "{answer}");
        // No other goes out beside it; and it ends as it is listed.
        crash(&order).await;
        assert_eq!(refusal(&order, "b", &json!({})).await, 409, "{answer}");
        let listing = that_made(&order.ours("a", "succeeded", 500).await, 500);
        assert_eq!(order.step(&listing).await.0.refund, Some(RefundState::Succeeded), "{answer}");
        assert_eq!((refunded(&order).await, order.stock().await), (500, 10), "{answer}");
    }
    for ended in ["failed", "canceled"] {
        let order = under_way().await;
        let refusing = that_answers(200, &refund(ended, 500));
        assert_eq!(order.gives_back(&refusing).await, (Some(RefundState::Failed), true), "{ended}");
    }
}

/// So much by other means, and with it so many of the pieces that were bought.
fn by_other_means(order: &Order, amount: i64, pieces: i32) -> Query {
    let returned = if pieces > 0 { vec![order.product.0] } else { Vec::new() };
    let query = WRITE_REFUND.bind(Uuid::now_v7()).bind(order.id).bind(order.user).bind("others").bind("00");
    let query = query.bind(amount).bind(returned.clone()).bind(vec![pieces; returned.len()]);
    let query = query.bind(Uuid::now_v7()).bind(30).bind(None::<String>).bind(None::<String>);
    query.bind(Vec::<String>::new()).bind(Vec::<i64>::new()).bind(true)
}

impl Order {
    /// What `work` makes of the order that waits for it while `first` is written and not yet committed.
    async fn after<T: Send + 'static>(
        &self,
        first: Query,
        work: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let both = self.shop.owner.transaction(async |tx| {
            tx.execute(first).await?;
            let work = tokio::spawn(work);
            self.shop.somebody_waits().await;
            Ok::<_, database::Error>(work)
        });
        both.await.expect("commits").await.expect("ends")
    }

    /// The lease, for whoever has to wait for it.
    fn claimed(&self) -> impl Future<Output = Option<Lease>> + Send + 'static {
        let (functions, order) = (self.shop.functions.clone(), self.id);
        async move { claim(&functions, order, PATIENCE).await.expect("answers") }
    }
}

#[tokio::test]
async fn who_waits_for_an_order_goes_on_with_what_is_known_of_its_money_then() {
    let order = paid().await;
    order.shop.owner.execute(&MAKE_DUE).await.expect("updates");
    let lease = order.after(by_other_means(&order, 300, 0), order.claimed()).await.expect("is due");
    order.advance(lease, &Provider::with_intent(&given_back(200))).await;
    assert_eq!(refunded(&order).await, 500);

    // Also where it was the whole that went back.
    let order = paid().await;
    order.shop.owner.execute(&MAKE_DUE).await.expect("updates");
    let lease = order.after(by_other_means(&order, 1250, 0), order.claimed()).await.expect("is due");
    let (advanced, operator) = order.advance(lease, &Provider::with_intent(&given_back(0))).await;
    assert_eq!((advanced.answer.status, operator), (OrderStatus::Refunded, false));
}

#[tokio::test]
async fn who_waits_for_an_order_to_cancel_it_goes_on_with_the_payment_that_is_known_then() {
    let order = Order::place().await;
    // Somebody asked for a charge and was not answered, and somebody else put it off.
    for status in [503, 429] {
        order.step(&Provider::that_says(status, &json!({}))).await;
        crash(&order).await;
    }
    assert_eq!(order.stands().await.0, "deferred");
    let news = WRITE_NEWS.bind("pi_1").bind(false).bind(false).bind(None::<String>).bind(false);
    let news = news.bind(order.id).bind(None::<time::OffsetDateTime>);
    let (functions, user, id) = (order.shop.functions.clone(), order.user, order.id);
    let cancelled = async move { claim_to_cancel(&functions, user, id).await.expect("answers") };
    let lease = order.after(news, cancelled).await.expect("is theirs");
    let provider = Provider::with_intent(&intent("canceled"));
    order.advance(lease, &provider).await;
    assert_eq!(provider.seen(), ["cancel"]);
}

#[tokio::test]
async fn what_a_refund_of_the_same_moment_has_brought_back_is_not_brought_back_again() {
    let order = paid().await;
    let (functions, id, eve) = (order.shop.functions.clone(), order.id, order.administrator());
    let body = back(&order, 500);
    let other =
        async move { begin_as(&functions, eve, id, "b", &body).await.err().map(|refused| status(&refused)) };
    assert_eq!(order.after(by_other_means(&order, 300, 1), other).await, Some(422));
    assert_eq!((refunded(&order).await, order.stock().await), (300, 10));
}

#[tokio::test]
async fn who_has_outlived_a_lease_writes_nothing_over_what_went_back_by_other_means() {
    let order = paid().await;
    order.shop.owner.execute(&MAKE_DUE).await.expect("updates");
    let late = order.claimed().await.expect("is due");
    crash(&order).await;
    order.shop.owner.execute(by_other_means(&order, 300, 0)).await.expect("writes");
    let looked = Provider::with_intent(&given_back(200));
    order.advance(late, &looked).await;
    assert_eq!(refunded(&order).await, 300);
    order.step(&looked).await;
    assert_eq!(refunded(&order).await, 500);
}

#[tokio::test]
async fn who_has_outlived_a_lease_asks_for_no_charge_and_for_no_refund_under_another_key() {
    let order = Order::place().await;
    let late = order.claimed().await.expect("is due");
    crash(&order).await;
    let asked = Provider::with_intent(&intent("succeeded"));
    assert_eq!(order.try_to_advance(late, &asked).await.err().map(|lost| status(&lost)), Some(409));
    assert!(asked.seen().is_empty());

    let order = paid().await;
    let Ok(RefundBegun::New(late, _)) = begin(&order, "a", &json!({ "amount": 500 })).await else {
        panic!("does not begin")
    };
    crash(&order).await;
    let provider = provider(0);
    provider.spends_the_first_key("refund");
    assert_eq!(order.try_to_advance(*late, &provider).await.err().map(|lost| status(&lost)), Some(409));
    assert_eq!(keys(&provider).len(), 1);
}
