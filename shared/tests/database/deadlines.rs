//! Every order ends, or is known to wait: deadlines, and how long somebody has waited for us.

use std::time::Duration;

use serde_json::json;
use shared::checkout::{claim, claim_to_cancel, leave, postpone};
use shared::database::Statement;
use shared::orders::{OrderStatus, oldest_unfinished};
use shared::payments::Operation;

use crate::charging::Order;
use crate::checkout::PATIENCE;
use crate::provider::{Provider, error, intent};

/// So many seconds are left to every order; the lease has run out.
static LEFT: Statement = Statement::new(
    "test.left",
    "update orders set deadline = now() + $1 * interval '1 second', lease_until = now(), next_attempt_at = now()",
);
/// As if every order had been placed so many days ago, by code that knew no deadlines.
static OLD: Statement = Statement::new(
    "test.old",
    "update orders
     set created_at = now() - $1 * interval '1 day', deadline = null, waits_since = null, lease_until = now()",
);
static WAITED: Statement = Statement::new(
    "test.waited",
    "update orders set waits_since = waits_since - $1 * interval '1 second', created_at = created_at - interval '40 minutes'",
);

impl Order {
    async fn left(&self, seconds: i32) {
        self.shop.owner.execute(LEFT.bind(seconds)).await.expect("updates");
    }

    /// What the worker does while the breaker is open.
    async fn put_off(&self) -> bool {
        let (database, wait) = (&self.shop.functions, Duration::from_mins(1));
        let ends = postpone(database, self.id, wait, PATIENCE).await.expect("answers");
        if ends {
            let lease = claim(database, self.id, PATIENCE).await.expect("answers").expect("is due");
            leave(database, lease, wait).await.expect("settles");
        }
        ends
    }

    async fn oldest(&self) -> u64 {
        oldest_unfinished(&self.shop.functions).await.expect("answers").as_secs()
    }
}

#[tokio::test]
async fn an_order_is_told_its_deadline_and_is_not_charged_after_it() {
    for intent_stored in [false, true] {
        let order = Order::place().await;
        let provider = Provider::with_intent(&intent("requires_confirmation"));
        provider.says(if intent_stored { "confirm" } else { "create" }, 503, &json!({}));
        order.step(&provider).await;
        let deadline = order.shown().await.deadline.expect("told");
        let left = deadline - time::OffsetDateTime::now_utc();
        assert!(left <= PATIENCE && left + Duration::from_secs(30) > PATIENCE, "{left}");

        // Too late to begin: whoever charges may take as long as a lease.
        order.left(20).await;
        let provider = Provider::with_intent(&intent("requires_confirmation"));
        provider.says("cancel", 200, &intent("canceled"));
        let (advanced, _) = order.step(&provider).await;
        assert_eq!((advanced.answer.status, advanced.answer.deadline), (OrderStatus::Cancelled, None));
        // Its key is used for what charges nothing, so that nobody charges with it later.
        let fence = format!("create pay:{}", order.id);
        let asked = if intent_stored { vec!["cancel"] } else { vec![fence.as_str(), "cancel"] };
        assert_eq!(provider.seen(), asked);
        assert_eq!((order.stands().await, order.stock().await), (("cancelled".to_owned(), None), 10));
    }
}

#[tokio::test]
async fn an_order_that_was_charged_in_time_is_paid_although_its_deadline_has_come() {
    let order = Order::place().await;
    let provider = Provider::with_intent(&intent("requires_confirmation"));
    provider.says("confirm", 503, &json!({}));
    order.step(&provider).await;
    order.left(-5).await;
    let provider = Provider::with_intent(&intent("succeeded"));
    let unexpected =
        json!({ "code": "payment_intent_unexpected_state", "payment_intent": intent("succeeded") });
    provider.says("cancel", 400, &error("invalid_request_error", &unexpected));
    let (advanced, _) = order.step(&provider).await;
    assert_eq!((advanced.answer.status, order.stock().await), (OrderStatus::Paid, 9));
}

#[tokio::test]
async fn a_customer_who_authenticated_in_time_has_paid_though_no_event_told_so_and_one_who_was_late_has_not()
{
    for (made, put_off, status, stock) in [
        (Some(-65), false, OrderStatus::Paid, 9),
        (Some(-1), false, OrderStatus::RefundPending, 10),
        (None, false, OrderStatus::Paid, 9),
        (Some(-65), true, OrderStatus::Paid, 9),
        (Some(-1), true, OrderStatus::RefundPending, 10),
    ] {
        let order = Order::place().await;
        order.step(&Provider::with_intent(&intent("requires_action"))).await;
        if put_off {
            // The page in which it is authenticated stays open.
            let mut failed = intent("requires_payment_method");
            failed["last_payment_error"] = json!({ "type": "api_error" });
            order.left(60).await;
            order.step(&Provider::with_intent(&failed)).await;
            assert_eq!(order.stands().await.0, "deferred");
        }
        order.left(-5).await;
        let provider = Provider::with_intent(&intent("succeeded"));
        let unexpected =
            json!({ "code": "payment_intent_unexpected_state", "payment_intent": intent("succeeded") });
        provider.says("cancel", 400, &error("invalid_request_error", &unexpected));
        let mut charged = intent("succeeded");
        if let Some(made) = made {
            let at = time::OffsetDateTime::now_utc().unix_timestamp() + made;
            charged["latest_charge"]["created"] = json!(at);
        }
        provider.says("look", 200, &charged);
        let (advanced, _) = order.step(&provider).await;
        let stands = (advanced.answer.status, order.stock().await);
        assert_eq!(stands, (status, stock), "{made:?}, put off: {put_off}");
    }
}

#[tokio::test]
async fn while_the_provider_is_away_an_order_it_never_heard_of_ends_at_its_deadline_and_others_wait() {
    let order = Order::place().await;
    assert!(!order.put_off().await);
    order.left(-5).await;
    assert!(order.put_off().await);
    assert_eq!((order.stands().await, order.stock().await), (("cancelled".to_owned(), None), 10));

    let order = Order::place().await;
    let provider = Provider::with_intent(&intent("requires_confirmation"));
    provider.says("confirm", 503, &json!({}));
    order.step(&provider).await;
    order.left(-5).await;
    assert!(!order.put_off().await, "its payment has to be cancelled first");
    assert_eq!(order.stock().await, 9);
}

#[tokio::test]
async fn an_order_that_was_placed_before_there_were_deadlines_has_one_all_the_same() {
    let order = Order::place().await;
    order.shop.owner.execute(OLD.bind(400)).await.expect("updates");
    assert!(order.put_off().await);
    assert_eq!(order.stands().await.0, "cancelled");
}

#[tokio::test]
async fn a_cancelled_order_that_the_provider_never_heard_of_ends_without_the_provider() {
    let order = Order::place().await;
    let provider = Provider::that_says(429, &json!({}));
    order.step(&provider).await;
    let user = order.user;
    let lease =
        claim_to_cancel(&order.shop.functions, user, order.id).await.expect("answers").expect("is theirs");
    let left = leave(&order.shop.functions, lease, Duration::from_mins(1)).await.expect("settles");
    assert_eq!((left.answer.status, order.stock().await), (OrderStatus::Cancelled, 10));
}

#[tokio::test]
async fn an_order_that_waits_for_its_turn_is_put_off_and_was_not_asked_for() {
    let order = Order::place().await;
    let database = &order.shop.functions;
    let lease = claim(database, order.id, PATIENCE).await.expect("answers").expect("is due");
    assert_eq!(lease.operation(), Operation::Create);
    let left = leave(database, lease, Duration::from_secs(40)).await.expect("settles");
    assert_eq!(left.answer.status, OrderStatus::Deferred);
    let (status, next) = order.stands().await;
    assert!(status == "deferred" && next.is_some_and(|next| (30..=40).contains(&next)), "{status} {next:?}");
    // Nobody has asked the provider, so its customer may end it without.
    let lease = claim_to_cancel(database, order.user, order.id).await.expect("answers").expect("is theirs");
    assert_eq!(lease.operation(), Operation::Cancel);
    let left = leave(database, lease, Duration::from_mins(1)).await.expect("settles");
    assert_eq!(left.answer.status, OrderStatus::Cancelled);
}

#[tokio::test]
async fn the_next_look_at_an_order_is_not_behind_its_deadline() {
    let order = Order::place().await;
    let asks = Provider::with_intent(&intent("requires_action"));
    let (advanced, _) = order.step(&asks).await;
    let deadline = advanced.answer.deadline.expect("told");
    order.left(15).await;
    let (advanced, _) = order.step(&asks).await;
    assert_eq!(advanced.answer.status, OrderStatus::ActionRequired);
    assert!(advanced.answer.deadline < Some(deadline), "looking again gives no more time");
    let next = order.stands().await.1.expect("is due");
    assert!((0..=15).contains(&next), "{next}");

    // Also where another step would come much later.
    let order = Order::place().await;
    order.left(90).await;
    let refuses = Provider::that_says(401, &error("invalid_request_error", &json!({})));
    order.step(&refuses).await;
    let next = order.stands().await.1.expect("is due");
    assert!((0..=90).contains(&next), "{next}");
}

#[tokio::test]
async fn an_order_past_its_deadline_that_only_the_provider_can_end_waits_like_any_other() {
    let order = Order::place().await;
    let lost = Provider::with_intent(&intent("requires_confirmation"));
    lost.says("confirm", 503, &json!({}));
    order.step(&lost).await;
    let refusal = error("invalid_request_error", &json!({ "message": "Invalid API version" }));
    for (status, body, waits) in [(503, json!({}), 8..=10), (400, refusal, 290..=300)] {
        order.left(-5).await;
        order.step(&Provider::that_says(status, &body)).await;
        let next = order.stands().await.1.expect("is due");
        assert!(waits.contains(&next), "{status}: {next}");
    }
    // And while the breaker is open it does not stand before those whose deadline lies ahead.
    order.left(-5).await;
    assert!(!order.put_off().await);
    let next = order.stands().await.1.expect("is due");
    assert!((55..=60).contains(&next), "{next}");
}

#[tokio::test]
async fn the_oldest_order_is_measured_from_when_it_began_to_wait_for_us() {
    let order = Order::place().await;
    let away = Provider::that_says(503, &json!({}));
    order.step(&away).await;
    order.shop.owner.execute(WAITED.bind(1000)).await.expect("updates");
    // Being looked at in vain does not begin the wait anew, and neither does being put off.
    order.left(600).await;
    order.step(&away).await;
    order.put_off().await;
    assert!((1000..1060).contains(&order.oldest().await));
    // It waits for its customer now, until the deadline.
    order.left(600).await;
    order.step(&Provider::with_intent(&intent("requires_action"))).await;
    assert_eq!(order.oldest().await, 0);
    // An order of forty minutes ago that is cancelled waits from now on.
    claim_to_cancel(&order.shop.functions, order.user, order.id).await.expect("answers").expect("is theirs");
    assert!(order.oldest().await < 60);
}
