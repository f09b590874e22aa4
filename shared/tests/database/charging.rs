//! What an order makes of its provider's answers: it fails only where its customer's payment method is refused, and the
//! payment itself says the same.

use serde_json::{Value, json};
use shared::breaker::{Admission, Breaker, Settings};
use shared::checkout::{Advanced, Lease, advance, claim, claim_to_cancel};
use shared::database::{Database, Statement};
use shared::error::Result;
use shared::orders::{Answer, OrderId, OrderStatus, find};
use shared::redis::{self, Redis};
use shared::telemetry::{Counter, Record};
use shared::time_limit::TimeLimit;
use uuid::Uuid;

use crate::checkout::{PATIENCE, Shop, leased, new, purchase};
use crate::provider::{Provider, error, intent};
use crate::search::HOLD;

static UNASKED: Statement =
    Statement::new("test.unasked", "update payments set attempt = 0, attempted_at = null");
static DUE: Statement = Statement::new("test.due", "update orders set lease_until = now()");
static STANDS: Statement = Statement::new(
    "test.stands",
    "select status, extract(epoch from next_attempt_at - now())::bigint from orders where id = $1",
);

static MOVE: Statement =
    Statement::new("test.move", "update inventory set available = available where product_id = $1");
/// Postgres may move stock in the order of the table.
static IN_THE_TABLES_ORDER: [Statement; 2] = [
    Statement::new("test.no_nestloop", "alter role millrace_app set enable_nestloop = off"),
    Statement::new("test.no_mergejoin", "alter role millrace_app set enable_mergejoin = off"),
];

/// What charging takes beside a database and a provider.
pub(crate) struct Charging {
    redis: Redis,
    breaker: Breaker,
}

impl Charging {
    pub(crate) fn new() -> Self {
        // Nobody listens there: the breaker is this process's own.
        let redis = Redis::new(redis::Settings::new("redis://127.0.0.1:1")).expect("a valid URL");
        let breaker = Breaker::new(Uuid::now_v7().to_string(), Settings::DEFAULT, redis.clone(), "test");
        Self { redis, breaker }
    }

    /// One step forward of an order, unless its lease was lost; and whether it called for an operator.
    async fn try_to_advance(
        &self,
        database: &Database,
        lease: Lease,
        provider: &Provider,
    ) -> Result<(Advanced, bool)> {
        let Admission::Allow(permit) = self.redis.batch(self.breaker.acquire()).await else {
            panic!("the breaker is open");
        };
        let limit = TimeLimit::of_invocation(None);
        let record = Record::begin("test", None);
        let step = advance(database, &provider.payments, permit, lease, limit);
        let advanced = record.observe(step).await?;
        Ok((advanced, record.count_of(Counter::OperatorNeeded) > 0))
    }

    pub(crate) async fn advance(
        &self,
        database: &Database,
        lease: Lease,
        provider: &Provider,
    ) -> (Advanced, bool) {
        self.try_to_advance(database, lease, provider).await.expect("settles")
    }
}

/// A shop, an order of one piece of its only product, and what charging it takes.
pub(crate) struct Order {
    pub(crate) shop: Shop,
    charging: Charging,
    pub(crate) user: Uuid,
    pub(crate) product: shared::catalog::ProductId,
    pub(crate) id: OrderId,
}

impl Order {
    pub(crate) async fn place() -> Self {
        let shop = Shop::open().await;
        let (user, product) = (shop.customer().await, shop.product(1250, 10).await);
        let id = leased(&shop, user, product).await.order;
        shop.owner.execute(&DUE).await.expect("its lease has run out");
        shop.owner.execute(&UNASKED).await.expect("nobody has asked for a charge");
        Self { shop, charging: Charging::new(), user, product, id }
    }

    /// One step forward, as the worker makes it; and whether it called for an operator.
    pub(crate) async fn step(&self, provider: &Provider) -> (Advanced, bool) {
        let lease = claim(&self.shop.functions, self.id, PATIENCE).await.expect("answers").expect("is due");
        self.advance(lease, provider).await
    }

    /// The same: how the order stands then; and whether it called for an operator.
    pub(crate) async fn comes_to(&self, provider: &Provider) -> (OrderStatus, bool) {
        let (advanced, operator) = self.step(provider).await;
        (advanced.answer.status, operator)
    }

    /// The same, of somebody who has the lease already.
    pub(crate) async fn advance(&self, lease: Lease, provider: &Provider) -> (Advanced, bool) {
        self.charging.advance(&self.shop.functions, lease, provider).await
    }

    /// The same, of somebody who may have lost it.
    pub(crate) async fn try_to_advance(&self, lease: Lease, provider: &Provider) -> Result<(Advanced, bool)> {
        self.charging.try_to_advance(&self.shop.functions, lease, provider).await
    }

    pub(crate) async fn stands(&self) -> (String, Option<i64>) {
        self.shop.owner.fetch_one(STANDS.bind(self.id)).await.expect("finds")
    }

    /// As its customer sees it.
    pub(crate) async fn shown(&self) -> Answer {
        find(&self.shop.functions, self.user, self.id).await.expect("answers").expect("is there").answer()
    }

    pub(crate) async fn stock(&self) -> i32 {
        self.shop.stock(self.product).await
    }
}

/// Refusals that no other card would mend.
fn refusals_of_the_shops_own() -> Vec<(u16, Value)> {
    let refusal = |more| error("invalid_request_error", &more);
    vec![
        (400, refusal(json!({ "message": "Invalid API version" }))),
        (400, refusal(json!({}))),
        (402, refusal(json!({ "message": "Your account cannot currently make live charges." }))),
        (
            402,
            error("card_error", &json!({ "code": "card_declined", "decline_code": "test_mode_live_card" })),
        ),
        (401, refusal(json!({ "message": "Invalid API Key provided: sk_live_****1234" }))),
        (403, refusal(json!({ "code": "account_invalid" }))),
        (400, refusal(json!({ "code": "amount_too_small", "param": "amount" }))),
        (404, refusal(json!({ "message": "Unrecognized request URL" }))),
        (400, error("a_type_of_tomorrow", &json!({}))),
        (400, refusal(json!({ "code": "invalid_characters", "param": "metadata[order_id]" }))),
        (400, refusal(json!({ "code": "payment_method_unsupported_type", "param": "payment_method_types" }))),
        (401, error("authentication_error", &json!({ "code": "card_declined" }))),
        (400, json!("<html>Bad request</html>")),
        (413, json!({})),
    ]
}

#[tokio::test]
async fn a_refusal_that_is_the_shops_fault_keeps_the_order_waiting_and_calls_an_operator() {
    for at in ["create", "confirm"] {
        let order = Order::place().await;
        for (status, body) in refusals_of_the_shops_own() {
            let provider = Provider::with_intent(&intent("requires_confirmation"));
            provider.says(at, status, &body);
            let comes_to = order.comes_to(&provider).await;
            assert_eq!(comes_to, (OrderStatus::Deferred, true), "{at}: {status} {body}");
            let (stands, wait) = order.stands().await;
            assert!(stands == "deferred" && wait.is_some_and(|wait| wait > 200), "{at}: {stands} {wait:?}");
        }
        // Once the setup is mended the order is paid, and nobody has opened the breaker meanwhile.
        let mended = Provider::with_intent(&intent("requires_confirmation"));
        mended.says("confirm", 200, &intent("succeeded"));
        assert_eq!(order.comes_to(&mended).await, (OrderStatus::Paid, false));
        assert_eq!(order.stock().await, 9);
    }
}

#[tokio::test]
async fn a_provider_that_refuses_everything_alike_fails_no_order() {
    let order = Order::place().await;
    let ready = Provider::with_intent(&intent("requires_confirmation"));
    ready.says("confirm", 503, &json!({}));
    order.step(&ready).await;
    for (status, body) in refusals_of_the_shops_own() {
        order.shop.owner.execute(&DUE).await.expect("updates");
        let (advanced, operator) = order.step(&Provider::that_says(status, &body)).await;
        // Whether it was charged cannot be asked either, so it is not said to wait.
        assert_eq!((advanced.answer.status, operator), (OrderStatus::Charging, true), "{status} {body}");
    }
}

#[tokio::test]
async fn a_refused_confirmation_that_charged_all_the_same_pays_the_order() {
    for (status, body) in [
        (400, error("invalid_request_error", &json!({}))),
        (400, json!("<html>Bad request</html>")),
        (404, error("invalid_request_error", &json!({ "code": "resource_missing", "param": "intent" }))),
        (402, error("card_error", &json!({ "code": "card_declined" }))),
        (402, error("invalid_request_error", &json!({ "code": "payment_method_unexpected_state" }))),
        (400, error("idempotency_error", &json!({}))),
    ] {
        let order = Order::place().await;
        let provider = Provider::with_intent(&intent("succeeded"));
        provider.says("create", 200, &intent("requires_confirmation"));
        provider.says("confirm", status, &body);
        assert_eq!(order.comes_to(&provider).await, (OrderStatus::Paid, false), "{status} {body}");
        assert_eq!(order.stock().await, 9);
    }
}

#[tokio::test]
async fn what_is_to_be_had_again_is_locked_in_the_order_of_ids_so_that_nobody_waits_in_a_circle() {
    let shop = Shop::open().await;
    for alter in &IN_THE_TABLES_ORDER {
        shop.owner.execute(alter).await.expect("alters");
    }
    let (user, lower, higher) =
        (shop.customer().await, shop.product(1250, 1).await, shop.product(0, 1).await);
    let items = [(lower, 1), (higher, 1)];
    let order = new(shop.places(purchase(user, "key", b"{}", &items)).await).order;
    shop.owner.execute(&DUE).await.expect("its lease has run out");
    shop.owner.execute(&UNASKED).await.expect("nobody has asked for a charge");
    // Its row stands behind the other's now.
    shop.owner.execute(MOVE.bind(lower)).await.expect("moves");
    let lease = claim(&shop.functions, order, PATIENCE).await.expect("answers").expect("is due");

    let functions = shop.functions.clone();
    let held = shop.owner.transaction(async |tx| {
        tx.execute(HOLD.bind(lower)).await?;
        let failing = tokio::spawn(async move {
            let provider = Provider::with_intent(&intent("requires_payment_method"));
            provider.says("create", 402, &error("card_error", &json!({ "code": "card_declined" })));
            Charging::new().advance(&functions, lease, &provider).await
        });
        shop.so_many_wait(1).await;
        tx.execute(HOLD.bind(higher)).await?;
        Ok::<_, shared::database::Error>(failing)
    });
    let (advanced, _) = held.await.expect("nobody waits in a circle").await.expect("ends");
    assert_eq!(advanced.answer.status, OrderStatus::Failed);
    assert_eq!((shop.stock(lower).await, shop.stock(higher).await), (1, 1));
}

#[tokio::test]
async fn a_refused_payment_method_fails_the_order_after_one_look_at_the_payment() {
    let declined = error("card_error", &json!({ "code": "card_declined", "decline_code": "lost_card" }));
    let unusable = json!({ "code": "resource_missing", "param": "payment_method" });
    for (at, status, body, code) in [
        ("create", 400, error("invalid_request_error", &unusable), "resource_missing"),
        ("create", 402, declined.clone(), "lost_card"),
        ("confirm", 400, error("invalid_request_error", &unusable), "resource_missing"),
        ("confirm", 402, declined, "lost_card"),
    ] {
        let order = Order::place().await;
        let provider = Provider::with_intent(&intent("requires_payment_method"));
        provider.says("create", 200, &intent("requires_confirmation"));
        provider.says(at, status, &body);
        let (advanced, operator) = order.step(&provider).await;
        assert_eq!((advanced.answer.status, operator), (OrderStatus::Failed, false), "{at}: {body}");
        assert_eq!(advanced.answer.charge.decline_code.as_deref(), Some(code));
        assert_eq!(
            provider.seen().iter().filter(|seen| *seen == "look").count(),
            usize::from(at == "confirm")
        );
        assert_eq!((order.stands().await.0.as_str(), order.stock().await), ("failed", 10));
    }
}

#[tokio::test]
async fn a_payment_to_be_authenticated_whose_secret_is_not_shown_is_asked_for_it_again() {
    for secret in [Value::Null, json!("a secret/ of nobody's"), json!(7)] {
        let order = Order::place().await;
        let mut hidden = intent("requires_action");
        hidden["client_secret"] = secret.clone();
        let (advanced, operator) = order.step(&Provider::with_intent(&hidden)).await;
        assert_eq!((advanced.answer.status, operator), (OrderStatus::Charging, false), "{secret}");
        assert!(order.stands().await.1.is_some_and(|wait| wait <= 10), "{secret}");
        order.shop.owner.execute(&DUE).await.expect("updates");
        let (advanced, _) = order.step(&Provider::with_intent(&intent("requires_action"))).await;
        let given = advanced.answer.charge.client_secret.expect("a secret");
        assert_eq!(given.reveal(), "pi_1_secret_of_its_customer", "{secret}");
        // Its customer keeps it where a later look does not show it.
        order.shop.owner.execute(&DUE).await.expect("updates");
        let (advanced, _) = order.step(&Provider::with_intent(&hidden)).await;
        assert_eq!(advanced.answer.status, OrderStatus::ActionRequired, "{secret}");
        assert_eq!(order.shown().await.charge.client_secret, Some(given), "{secret}");
    }
}

#[tokio::test]
async fn what_is_null_or_odd_beside_what_an_answer_says_hides_nothing_of_it() {
    for (pointer, value) in [
        ("/latest_charge/amount_refunded", Value::Null),
        ("/latest_charge/amount_refunded", json!("0")),
        ("/latest_charge/created", json!([])),
        ("/latest_charge/status", Value::Null),
        ("/latest_charge/status", json!({})),
        ("/latest_charge/id", json!("a charge/ of nobody's")),
        ("/latest_charge", json!(7)),
        ("/last_payment_error", json!("none")),
        ("/last_payment_error", json!([])),
        ("/client_secret", json!({})),
    ] {
        let order = Order::place().await;
        let mut paid = intent("succeeded");
        let fields = json!({ "amount_refunded": 0, "created": 1, "id": "ch_1", "status": "succeeded" });
        (paid["latest_charge"], paid["last_payment_error"]) = (fields, Value::Null);
        *paid.pointer_mut(pointer).expect("a field") = value.clone();
        let (advanced, operator) = order.step(&Provider::with_intent(&paid)).await;
        assert_eq!((advanced.answer.status, operator), (OrderStatus::Paid, false), "{pointer} {value}");
    }
}

#[tokio::test]
async fn a_list_that_does_not_say_whether_there_is_more_is_read_to_its_end() {
    for has_more in [Value::Null, json!("no")] {
        let order = Order::place().await;
        let provider = Provider::with_intent(&intent("succeeded"));
        provider.says("create", 400, &error("idempotency_error", &json!({})));
        let other = json!({ "id": "pi_9", "metadata": { "order_id": Uuid::now_v7() } });
        let first = json!({ "data": [other], "has_more": has_more });
        provider.shows_then("list", &first, &listed(&order, "succeeded"));
        assert_eq!(order.step(&provider).await.0.answer.status, OrderStatus::Paid, "{has_more}");
        let seen = provider.seen();
        assert_eq!(seen.iter().filter(|seen| seen.starts_with("create")).count(), 1, "{seen:?}");
    }
}

#[tokio::test]
async fn a_declined_confirmation_is_not_believed_while_the_payment_cannot_be_looked_at() {
    let order = Order::place().await;
    let provider = Provider::with_intent(&intent("requires_confirmation"));
    provider.says("confirm", 402, &error("card_error", &json!({ "code": "card_declined" })));
    provider.says("look", 503, &json!({}));
    assert_eq!(order.step(&provider).await.0.answer.status, OrderStatus::Charging);
    assert_eq!(order.stock().await, 9);
}

#[tokio::test]
async fn a_key_that_was_used_with_other_parameters_is_left_for_another() {
    let order = Order::place().await;
    let provider = Provider::with_intent(&intent("requires_confirmation"));
    provider.says("confirm", 400, &error("idempotency_error", &json!({})));
    order.step(&provider).await;
    let confirmed: Vec<_> = provider.seen().into_iter().filter(|seen| seen.starts_with("confirm")).collect();
    assert_eq!(
        confirmed,
        [format!("confirm confirm:{}:2", order.id), format!("confirm confirm:{}:3", order.id)]
    );
}

/// What the provider lists while the order's key is in use: its intent in this state.
fn listed(order: &Order, status: &str) -> Value {
    let mut intent = intent(status);
    intent["metadata"] = json!({ "order_id": order.id });
    json!({ "data": [intent], "has_more": false })
}

#[tokio::test]
async fn an_order_is_charged_by_one_call_under_a_key_of_its_own() {
    let order = Order::place().await;
    let provider = Provider::with_intent(&intent("succeeded"));
    assert_eq!(order.step(&provider).await.0.answer.status, OrderStatus::Paid);
    assert_eq!(provider.seen(), [format!("create pay:{}", order.id)]);
}

#[tokio::test]
async fn an_order_whose_answer_was_lost_is_asked_for_again_under_the_same_key() {
    let order = Order::place().await;
    let provider = Provider::with_intent(&intent("succeeded"));
    provider.says("create", 503, &json!({}));
    assert_eq!(order.step(&provider).await.0.answer.status, OrderStatus::Charging);
    provider.says("create", 200, &intent("succeeded"));
    assert_eq!(order.step(&provider).await.0.answer.status, OrderStatus::Paid);
    let key = format!("create pay:{}", order.id);
    assert_eq!(provider.seen(), [key.clone(), key]);
}

#[tokio::test]
async fn a_refused_call_that_charged_all_the_same_pays_the_order() {
    for (status, body) in [
        (400, error("invalid_request_error", &json!({}))),
        (400, json!("<html>Bad request</html>")),
        (402, error("card_error", &json!({ "code": "card_declined" }))),
        (400, error("idempotency_error", &json!({}))),
    ] {
        let order = Order::place().await;
        let provider = Provider::with_intent(&intent("succeeded"));
        provider.says("create", status, &body);
        provider.says("list", 200, &listed(&order, "succeeded"));
        assert_eq!(order.comes_to(&provider).await, (OrderStatus::Paid, false), "{status} {body}");
        assert_eq!(order.stock().await, 9);
    }
}

#[tokio::test]
async fn a_payment_is_found_among_others_of_the_account_that_cannot_be_read() {
    let order = Order::place().await;
    let provider = Provider::with_intent(&intent("succeeded"));
    provider.says("create", 400, &error("idempotency_error", &json!({})));
    let mut list = listed(&order, "succeeded");
    let odd = json!({ "id": "pi_9", "status": null, "amount": "1.50", "metadata": null });
    list["data"].as_array_mut().expect("a list").push(odd);
    provider.says("list", 200, &list);
    assert_eq!(order.step(&provider).await.0.answer.status, OrderStatus::Paid);
}

#[tokio::test]
async fn where_too_much_was_made_to_read_a_search_that_may_lag_charges_nothing_by_finding_nothing() {
    for (found, status) in [(None, OrderStatus::Charging), (Some("succeeded"), OrderStatus::Paid)] {
        let order = Order::place().await;
        let provider = Provider::with_intent(&intent("succeeded"));
        provider.says("create", 400, &error("idempotency_error", &json!({})));
        provider.says("list", 200, &json!({ "data": [intent("succeeded")], "has_more": true }));
        if let Some(stands) = found {
            provider.says("search", 200, &listed(&order, stands));
        }
        assert_eq!(order.step(&provider).await.0.answer.status, status);
        let seen = provider.seen();
        let of = |operation: &str| seen.iter().filter(|seen| seen.starts_with(operation)).count();
        assert_eq!((of("list"), of("search"), of("create"), of("confirm")), (20, 1, 1, 0), "{seen:?}");
    }
}

#[tokio::test]
async fn a_declined_call_fails_the_order_at_once_where_it_shows_the_payment() {
    let mut shown = intent("requires_payment_method");
    shown["last_payment_error"] = json!({ "code": "card_declined", "decline_code": "lost_card" });
    let declined = json!({ "code": "card_declined", "decline_code": "lost_card", "payment_intent": shown });
    let order = Order::place().await;
    let provider = Provider::that_says(402, &error("card_error", &declined));
    assert_eq!(order.step(&provider).await.0.answer.status, OrderStatus::Failed);
    assert_eq!(provider.seen(), [format!("create pay:{}", order.id)]);
    assert_eq!(order.stock().await, 10);
}

static ASKED_LONG_AGO: Statement = Statement::new(
    "test.asked_long_ago",
    "update payments set attempted_at = now() - $1 * interval '1 hour'",
);

#[tokio::test]
async fn a_key_that_is_old_charges_nothing_before_it_is_known_what_became_of_it() {
    for (hours, first) in [(2, "create pay:"), (21, "list")] {
        let order = Order::place().await;
        let lost = Provider::that_says(503, &json!({}));
        order.step(&lost).await;
        order.shop.owner.execute(ASKED_LONG_AGO.bind(hours)).await.expect("updates");
        let provider = Provider::with_intent(&intent("succeeded"));
        provider.says("create", 400, &error("idempotency_error", &json!({})));
        provider.says("list", 200, &listed(&order, "succeeded"));
        assert_eq!(order.step(&provider).await.0.answer.status, OrderStatus::Paid, "{hours} hours");
        let seen = provider.seen();
        assert!(seen[0].starts_with(first), "{seen:?}");
        assert!(!seen.iter().any(|seen| seen.starts_with("confirm")), "{seen:?}");
    }
}

#[tokio::test]
async fn an_order_that_may_have_been_charged_is_not_cancelled_while_that_cannot_be_known() {
    for (list, status, stock) in [(503, "cancelling", 9), (200, "cancelled", 10)] {
        let order = Order::place().await;
        order.step(&Provider::that_says(503, &json!({}))).await;
        order.shop.owner.execute(&DEFERRED).await.expect("updates");
        let lease = claim_to_cancel(&order.shop.functions, order.user, order.id).await.expect("answers");
        assert!(lease.is_some());
        order.shop.owner.execute(&DUE).await.expect("its lease has run out");
        let provider = Provider::that_says(400, &error("idempotency_error", &json!({})));
        provider.says("list", list, &json!({ "data": [], "has_more": false }));
        order.step(&provider).await;
        assert_eq!((order.stands().await.0.as_str(), order.stock().await), (status, stock));
    }
}

static DEFERRED: Statement = Statement::new("test.deferred", "update orders set status = 'deferred'");

#[tokio::test]
async fn what_is_said_of_another_payment_pays_and_fails_no_order_and_calls_an_operator() {
    let other = |change: &dyn Fn(&mut Value)| {
        let mut intent = intent("succeeded");
        change(&mut intent);
        intent
    };
    for at in ["create", "confirm", "look"] {
        for answer in [
            other(&|intent| intent["metadata"] = json!({ "order_id": Uuid::now_v7() })),
            other(&|intent| intent["amount"] = json!(1)),
            other(&|intent| intent["currency"] = json!("jpy")),
            other(&|intent| {
                intent["status"] = json!("canceled");
                intent["amount"] = json!(12500);
            }),
        ] {
            let order = Order::place().await;
            let provider = Provider::with_intent(&intent("requires_confirmation"));
            if at == "look" {
                provider.says("confirm", 402, &error("card_error", &json!({ "code": "card_declined" })));
            }
            provider.says(at, 200, &answer);
            let (advanced, operator) = order.step(&provider).await;
            let stands = advanced.answer.status;
            assert_eq!((stands, operator), (OrderStatus::Charging, true), "{at}: {answer}");
            assert_eq!(order.stock().await, 9);
            // Once the order's own payment is shown, it is paid.
            order.shop.owner.execute(&DUE).await.expect("updates");
            let (advanced, _) = order.step(&Provider::with_intent(&intent("succeeded"))).await;
            assert_eq!(advanced.answer.status, OrderStatus::Paid, "{at}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_payment_that_says_nothing_of_its_order_is_nobodys_unless_the_order_knew_it() {
    let nameless = |status: &str| {
        let mut intent = intent(status);
        intent["metadata"] = json!({});
        intent
    };
    let order = Order::place().await;
    let (advanced, operator) = order.step(&Provider::with_intent(&nameless("succeeded"))).await;
    assert_eq!((advanced.answer.status, operator), (OrderStatus::Charging, true));
    let order = Order::place().await;
    let provider = Provider::with_intent(&nameless("succeeded"));
    provider.says("create", 200, &intent("requires_confirmation"));
    assert_eq!(order.step(&provider).await.0.answer.status, OrderStatus::Paid);
}

#[tokio::test]
async fn a_payment_whose_last_try_failed_for_no_fault_of_the_card_keeps_the_order_waiting() {
    for (reason, called) in [
        (json!({ "type": "api_error", "message": "An unknown error occurred" }), true),
        (json!({ "type": "invalid_request_error", "code": "account_invalid" }), true),
        (json!({ "type": "a_type_of_tomorrow" }), true),
        (json!({ "type": "card_error", "code": "card_declined", "decline_code": "lost_card" }), false),
        (json!({ "type": "invalid_request_error", "code": "payment_intent_authentication_failure" }), false),
    ] {
        let order = Order::place().await;
        let mut failed = intent("requires_payment_method");
        failed["last_payment_error"] = reason.clone();
        let (advanced, operator) = order.step(&Provider::with_intent(&failed)).await;
        let expected = if called { (OrderStatus::Deferred, 9) } else { (OrderStatus::Failed, 10) };
        assert_eq!((advanced.answer.status, order.stock().await), expected, "{reason}");
        assert_eq!(operator, called, "{reason}");
    }
}

#[tokio::test]
async fn a_payment_that_failed_for_no_fault_of_the_card_is_tried_again_with_it_once_that_is_mended() {
    let order = Order::place().await;
    let mut failed = intent("requires_payment_method");
    failed["last_payment_error"] = json!({ "type": "api_error", "message": "An unknown error occurred" });
    order.step(&Provider::with_intent(&failed)).await;
    let key = |attempt: u32| format!("confirm confirm:{}:{attempt}", order.id);
    // It fails once more, as its key will say from now on.
    order.shop.owner.execute(&DUE).await.expect("updates");
    let again = Provider::with_intent(&failed);
    assert_eq!(order.comes_to(&again).await, (OrderStatus::Deferred, true));
    assert_eq!(again.seen(), [key(1)]);
    assert!(again.form("confirm").contains("payment_method=pm_card_visa"), "{}", again.form("confirm"));
    // And is mended.
    order.shop.owner.execute(&DUE).await.expect("updates");
    let mended = Provider::with_intent(&failed);
    mended.replays("confirm", 200, &failed);
    mended.says("confirm", 200, &intent("succeeded"));
    assert_eq!(order.step(&mended).await.0.answer.status, OrderStatus::Paid);
    assert_eq!(mended.seen(), [key(1), "look".to_owned(), key(2)]);
}

#[tokio::test]
async fn a_card_that_was_refused_is_not_tried_again_whatever_its_key_replays() {
    let order = Order::place().await;
    let ready = Provider::with_intent(&intent("requires_confirmation"));
    ready.says("confirm", 503, &json!({}));
    order.step(&ready).await;
    order.shop.owner.execute(&DUE).await.expect("updates");
    let mut refused = intent("requires_payment_method");
    refused["last_payment_error"] = json!({ "type": "card_error", "code": "card_declined" });
    let replaying = Provider::with_intent(&refused);
    replaying.replays("confirm", 200, &refused);
    let (advanced, _) = order.step(&replaying).await;
    assert_eq!((advanced.answer.status, order.stock().await), (OrderStatus::Failed, 10));
    assert_eq!(replaying.seen().iter().filter(|seen| seen.starts_with("confirm")).count(), 1);
}
