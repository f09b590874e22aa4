//! What happens at the provider after an order is final, and orders that the provider has forgotten.

use std::time::Duration;

use serde_json::{Value, json};
use shared::checkout::{claim, claim_to_cancel};
use shared::database::Statement;
use shared::orders::{News, Noted, OrderStatus, intent_of_charge, may_be_unheard, take_note};
use time::OffsetDateTime;

use crate::charging::Order;
use crate::checkout::{PATIENCE, leased};
use crate::provider::{Provider, error, intent};
use crate::refunds::{given_back, refund, unwanted};

static NOTES: Statement =
    Statement::new("test.notes", "select dispute, fraud_warning from payments where order_id = $1");
static DATE_HISTORY: Statement =
    Statement::new("test.date_history", "update order_history set at = $1::text::timestamptz");
static DATE_DISPUTE: Statement =
    Statement::new("test.date_dispute", "update payments set dispute_at = $1::text::timestamptz");
static STANDS: Statement = Statement::new("test.stands_like", "update orders set status = $1");
static DUE: Statement = Statement::new("test.due_again", "update orders set lease_until = null");

static WAITED: Statement = Statement::new(
    "test.waited_a_day",
    "update orders set waits_since = waits_since - interval '1 day', lease_until = null",
);

/// Its holder stands still, and nobody has come for it yet.
static RAN_OUT: Statement = Statement::new(
    "test.ran_out",
    "update orders set lease_until = now() - interval '1 second', next_attempt_at = now() - interval '1 second'",
);

const NEWS: News<'_> = News {
    intent: "pi_1",
    order: None,
    paid: false,
    afterwards: true,
    dispute: None,
    fraud_warning: false,
    at: None,
};

impl Order {
    async fn paid() -> Self {
        let order = Self::place().await;
        let provider = Provider::with_intent(&given_back(0));
        provider.says("create", 200, &intent("requires_confirmation"));
        assert_eq!(order.step(&provider).await.0.answer.status, OrderStatus::Paid);
        order
    }

    async fn note(&self, news: News<'_>) -> Option<Noted> {
        take_note(&self.shop.functions, news).await.expect("notes")
    }

    /// The provider's event about a refund, and the look that follows it: how the order stands, how much of it went
    /// back, and whether an operator was called.
    async fn after_refund(&self, amount: i64) -> (OrderStatus, Option<i64>, bool) {
        assert!(self.note(NEWS).await.is_some_and(|noted| noted.due));
        let (advanced, operator) = self.step(&Provider::with_intent(&given_back(amount))).await;
        let shown = self.shown().await;
        assert_eq!(shown.status, advanced.answer.status);
        (shown.status, shown.charge.refunded, operator)
    }
}

#[tokio::test]
async fn a_refund_that_is_made_at_the_provider_is_followed_in_part_and_as_a_whole() {
    let order = Order::paid().await;
    assert_eq!(order.after_refund(0).await, (OrderStatus::Paid, None, false));
    assert_eq!(order.after_refund(500).await, (OrderStatus::Paid, Some(500), false));
    assert_eq!(order.after_refund(1250).await, (OrderStatus::Refunded, Some(1250), false));
    assert_eq!(order.shown().await.charge.status, "refunded");
    // What was bought may have been sent: nobody puts it back on the shelf by itself.
    assert_eq!((order.stands().await, order.stock().await), (("refunded".to_owned(), None), 9));
}

#[tokio::test]
async fn a_refund_that_fails_calls_an_operator_until_the_money_has_gone_back() {
    let order = Order::paid().await;
    order.after_refund(1250).await;
    let waits = (OrderStatus::RefundPending, None, true);
    assert_eq!(order.after_refund(0).await, waits);
    assert_eq!(order.shown().await.charge.status, "refund_failed");
    // It is looked at again and again, and not given back by us: that has failed already.
    let provider = Provider::with_intent(&given_back(0));
    let (_, operator) = order.step(&provider).await;
    assert!(operator);
    assert_eq!(provider.seen(), ["look"]);
    assert_eq!(order.after_refund(1250).await, (OrderStatus::Refunded, Some(1250), false));

    let order = Order::paid().await;
    order.after_refund(500).await;
    assert_eq!(order.after_refund(0).await, (OrderStatus::Paid, None, true), "in part");
}

#[tokio::test]
async fn a_dispute_and_a_warning_are_noted_whatever_the_order_of_their_events() {
    let order = Order::paid().await;
    let notes = async || {
        order.shop.owner.fetch_one::<(Option<String>, bool)>(NOTES.bind(order.id)).await.expect("finds")
    };
    assert!(!order.shown().await.charge.disputed);
    let begun = OffsetDateTime::now_utc().truncate_to_second() - time::Duration::minutes(10);
    for (second, status, stands) in [
        (10, "needs_response", "needs_response"),
        (30, "won", "won"),
        (20, "under_review", "won"),
        (30, "under_review", "won"),
        // Another dispute of the charge, or the same one by a further instance of the bank.
        (40, "needs_response", "needs_response"),
        (40, "under_review", "under_review"),
        (40, "needs_response", "needs_response"),
        (50, "lost", "lost"),
        (30, "won", "lost"),
        (45, "under_review", "lost"),
        // By a clock that goes an hour ahead: it counts, and so does what comes after it.
        (3600, "needs_response", "needs_response"),
        (3601, "won", "won"),
    ] {
        let at = Some(begun + time::Duration::seconds(second));
        order.note(News { dispute: Some(status), at, ..NEWS }).await.expect("is ours");
        assert_eq!(notes().await, (Some(stands.to_owned()), false), "{second}: {status}");
    }
    order.note(News { dispute: Some("lost"), ..NEWS }).await.expect("is ours");
    order.note(News { fraud_warning: true, ..NEWS }).await.expect("is ours");
    order.note(NEWS).await.expect("is ours");
    // News may name the charge alone.
    let intent = async |charge: &str| intent_of_charge(&order.shop.functions, charge).await.expect("answers");
    assert_eq!((intent("ch_1").await.as_deref(), intent("ch_9").await), (Some("pi_1"), None));
    assert_eq!(notes().await, (Some("lost".to_owned()), true));
    assert!(order.shown().await.charge.disputed);
    assert!(order.note(News { intent: "pi_of_another_shop", ..NEWS }).await.is_none());
}

/// As the functions send it, for a transaction that takes its time.
static NOTE: Statement = Statement::new("test.note", include_str!("../../src/orders/due_by_intent.sql"));

#[tokio::test]
async fn of_two_events_of_one_dispute_at_the_same_moment_the_later_one_tells_how_it_stands() {
    let order = Order::paid().await;
    let begun = OffsetDateTime::now_utc().truncate_to_second() - time::Duration::minutes(10);
    let note = |at: OffsetDateTime, status: &str| {
        let query = NOTE.bind("pi_1").bind(false).bind(true).bind(status).bind(false);
        query.bind(None::<uuid::Uuid>).bind(at)
    };
    let functions = order.shop.functions.clone();
    let older = async move {
        let news = News { dispute: Some("under_review"), at: Some(begun), ..NEWS };
        take_note(&functions, news).await.expect("notes")
    };
    let both = order.shop.owner.transaction(async |tx| {
        tx.execute(note(begun + time::Duration::minutes(1), "lost")).await?;
        let older = tokio::spawn(older);
        order.shop.somebody_waits().await;
        Ok::<_, shared::database::Error>(older)
    });
    both.await.expect("commits").await.expect("ends").expect("is ours");
    let (dispute, _) =
        order.shop.owner.fetch_one::<(Option<String>, bool)>(NOTES.bind(order.id)).await.expect("finds");
    assert_eq!(dispute.as_deref(), Some("lost"));
}

#[tokio::test]
async fn a_time_that_no_calendar_has_is_kept_out_of_what_happened_to_an_order() {
    let order = Order::paid().await;
    for (date, constraint) in [(&DATE_HISTORY, "order_history_times"), (&DATE_DISPUTE, "payments_times")] {
        for time in ["infinity", "-infinity", "10000-01-01 00:00:00+00"] {
            let refused = order.shop.owner.execute(date.bind(time)).await.expect_err("refused");
            assert_eq!(refused.constraint(), Some(constraint), "{time}");
        }
        order.shop.owner.execute(date.bind("2026-11-28 00:00:00+00")).await.expect("a time");
    }
}

#[tokio::test]
async fn an_order_whose_payment_the_provider_does_not_know_calls_an_operator_and_waits_longer() {
    let missing = error("invalid_request_error", &json!({ "code": "resource_missing", "param": "intent" }));
    let forgotten = || Provider::that_says(404, &missing);
    for status in ["requires_action", "requires_confirmation"] {
        let order = Order::place().await;
        let provider = Provider::with_intent(&intent(status));
        provider.says("confirm", if status == "requires_action" { 200 } else { 429 }, &intent(status));
        order.step(&provider).await;
        let lease = claim_to_cancel(&order.shop.functions, order.user, order.id).await.expect("answers");
        assert!(lease.is_some());
        order.shop.owner.execute(&DUE).await.expect("updates");
        assert_eq!(order.comes_to(&forgotten()).await, (OrderStatus::Cancelling, true));
        assert!(order.stands().await.1.is_some_and(|wait| (201..=300).contains(&wait)));
        // Nobody was helped by calling every five minutes for a day.
        order.shop.owner.execute(&WAITED).await.expect("updates");
        assert_eq!(order.comes_to(&forgotten()).await, (OrderStatus::Cancelling, true));
        assert!(order.stands().await.1.is_some_and(|wait| (3500..=3600).contains(&wait)));
    }
    // So does one that is to be charged, looked at, or given back.
    let order = Order::place().await;
    let provider = Provider::with_intent(&intent("requires_confirmation"));
    provider.says("confirm", 429, &json!({}));
    order.step(&provider).await;
    assert_eq!(order.comes_to(&forgotten()).await, (OrderStatus::Charging, true));
    let order = Order::paid().await;
    order.note(NEWS).await.expect("is ours");
    assert_eq!(order.comes_to(&forgotten()).await, (OrderStatus::Paid, true));
}

#[tokio::test]
async fn a_status_that_the_functions_do_not_know_is_kept_out() {
    let order = Order::place().await;
    for status in ["pending", "lost", "", "PAID"] {
        let refused = order.shop.owner.execute(STANDS.bind(status)).await.expect_err("refused");
        assert_eq!(refused.constraint(), Some("orders_status_check"), "{status}");
    }
    for status in OrderStatus::ALL {
        order.shop.owner.execute(STANDS.bind(status.as_str())).await.expect("a status");
    }
}

#[tokio::test]
async fn news_that_come_while_somebody_looks_are_looked_at_afterwards() {
    let order = Order::paid().await;
    order.note(NEWS).await.expect("is ours");
    let lease = claim(&order.shop.functions, order.id, PATIENCE).await.expect("answers").expect("is due");
    // The charge is asked for, and then another part of it goes back.
    order.note(NEWS).await.expect("is ours");
    order.advance(lease, &Provider::with_intent(&given_back(500))).await;
    assert_eq!(order.stands().await, ("paid".to_owned(), Some(0)));
    order.step(&Provider::with_intent(&given_back(750))).await;
    assert_eq!(order.shown().await.charge.refunded, Some(750));
    assert_eq!(order.stands().await, ("paid".to_owned(), None));
}

#[tokio::test]
async fn a_customer_who_authenticates_while_somebody_looks_is_seen_before_the_deadline() {
    let order = Order::place().await;
    let lease = claim(&order.shop.functions, order.id, PATIENCE).await.expect("answers").expect("is due");
    let asks = Provider::with_intent(&intent("requires_action"));
    order.advance(lease, &asks).await;
    order.note(NEWS).await.expect("is ours");
    let lease = claim(&order.shop.functions, order.id, PATIENCE).await.expect("answers").expect("is due");
    order.note(News { paid: true, ..NEWS }).await.expect("is ours");
    order.advance(lease, &asks).await;
    assert_eq!(order.stands().await, ("action_required".to_owned(), Some(0)));
    let (advanced, _) = order.step(&Provider::with_intent(&intent("succeeded"))).await;
    assert_eq!((advanced.answer.status, order.stands().await.1), (OrderStatus::Paid, None));
}

/// Its customer was asked, and its payment is known.
async fn asked() -> Order {
    let order = Order::place().await;
    order.step(&Provider::with_intent(&intent("requires_action"))).await;
    order.note(News { afterwards: false, ..NEWS }).await.expect("is ours");
    order
}

#[tokio::test]
async fn who_pays_an_order_by_a_charge_of_which_some_went_back_looks_at_once_how_much() {
    for asks_first in [false, true] {
        for (gone, status) in [(500, OrderStatus::Paid), (1250, OrderStatus::Refunded)] {
            let order = if asks_first { asked().await } else { Order::place().await };
            let provider = Provider::with_intent(&given_back(gone));
            let (advanced, _) = order.step(&provider).await;
            assert_eq!((advanced.answer.status, advanced.due_in), (OrderStatus::Paid, Some(Duration::ZERO)));
            assert_eq!(order.stands().await, ("paid".to_owned(), Some(0)));
            assert_eq!(order.step(&provider).await.0.answer.status, status);
            assert_eq!((order.shown().await.charge.refunded, order.stock().await), (Some(gone), 9));
            assert_eq!(order.stands().await.1, None);
        }
    }
}

#[tokio::test]
async fn an_order_that_fails_while_its_customer_pays_with_another_card_gives_the_money_back() {
    for stands_still in [false, true] {
        let order = asked().await;
        let lease = claim(&order.shop.functions, order.id, PATIENCE).await.expect("answers").expect("is due");
        if stands_still {
            order.shop.owner.execute(&RAN_OUT).await.expect("updates");
        }
        order.note(News { paid: true, afterwards: false, ..NEWS }).await.expect("is ours");
        let mut refused = intent("requires_payment_method");
        refused["last_payment_error"] = json!({ "type": "card_error", "code": "card_declined" });
        order.advance(lease, &Provider::with_intent(&refused)).await;
        assert_eq!(order.stands().await, ("failed".to_owned(), Some(0)), "stood still: {stands_still}");
        let (advanced, _) = order.step(&Provider::with_intent(&intent("succeeded"))).await;
        assert_eq!(advanced.answer.status, OrderStatus::RefundPending);
    }
}

#[tokio::test]
async fn who_charges_an_order_writes_nothing_where_news_of_later_came_meanwhile() {
    let order = asked().await;
    let lease = claim(&order.shop.functions, order.id, PATIENCE).await.expect("answers").expect("is due");
    order.note(NEWS).await.expect("is ours");
    order.advance(lease, &Provider::with_intent(&given_back(0))).await;
    assert_eq!(order.stands().await, ("action_required".to_owned(), Some(0)));
    let gone = Provider::with_intent(&given_back(1250));
    assert_eq!(order.step(&gone).await.0.answer.status, OrderStatus::Paid);
    assert_eq!(order.step(&gone).await.0.answer.status, OrderStatus::Refunded);
}

#[tokio::test]
async fn news_that_a_refund_failed_are_looked_at_though_they_come_before_the_refund_is_written_down() {
    let order = Order::paid().await;
    order.note(NEWS).await.expect("is ours");
    let lease = claim(&order.shop.functions, order.id, PATIENCE).await.expect("answers").expect("is due");
    order.note(NEWS).await.expect("is ours");
    order.advance(lease, &Provider::with_intent(&given_back(1250))).await;
    assert_eq!(order.stands().await, ("refunded".to_owned(), Some(0)));
    let (advanced, operator) = order.step(&Provider::with_intent(&given_back(0))).await;
    assert_eq!((advanced.answer.status, operator), (OrderStatus::RefundPending, true));
}

#[tokio::test]
async fn a_payment_that_no_order_knows_may_be_of_one_that_has_asked_and_not_heard() {
    let order = Order::place().await;
    let now = OffsetDateTime::now_utc();
    let before = now - time::Duration::minutes(10);
    let may_be = async |at| may_be_unheard(&order.shop.functions, at, false).await.expect("answers");
    assert!(!may_be(Some(now)).await, "nobody has asked for a charge");
    order.step(&Provider::that_says(503, &json!({}))).await;
    assert_eq!(order.stands().await.0, "charging");
    let told = (may_be(Some(now)).await, may_be(None).await, may_be(Some(before)).await);
    assert_eq!(told, (true, true, false), "what happened before it was asked for is of another");
    order.step(&Provider::with_intent(&given_back(0))).await;
    assert!(!may_be(Some(now)).await, "it has heard of its payment");
}

#[tokio::test]
async fn a_charge_that_no_order_knows_may_be_of_one_that_knows_its_payment_alone() {
    let order = asked().await;
    let may_be = async |charge_alone| {
        let at = Some(OffsetDateTime::now_utc());
        may_be_unheard(&order.shop.functions, at, charge_alone).await.expect("answers")
    };
    assert_eq!((may_be(true).await, may_be(false).await), (true, false));
    order.step(&Provider::with_intent(&given_back(0))).await;
    assert_eq!(order.stands().await.0, "paid");
    assert!(!may_be(true).await, "it knows its charge");
}

#[tokio::test]
async fn a_payment_that_is_known_is_its_own_orders_whatever_the_news_name() {
    let order = Order::paid().await;
    let (user, product) = (order.shop.customer().await, order.shop.product(1250, 10).await);
    let other = leased(&order.shop, user, product).await.order;
    let noted = order.note(News { order: Some(other), ..NEWS }).await.expect("is ours");
    assert_eq!((noted.order, noted.other, noted.due), (order.id, false, true));
}

/// The looks that tell nothing of what went back of the order's charge.
fn looks_that_show_nothing() -> Vec<Value> {
    let with = |name: &str, value: Value| {
        let mut intent = given_back(0);
        intent["latest_charge"][name] = value;
        intent
    };
    let mut missing = given_back(0);
    missing["latest_charge"].as_object_mut().expect("an object").remove("amount_refunded");
    let charge = |charge: Value| {
        let mut intent = given_back(0);
        intent["latest_charge"] = charge;
        intent
    };
    let mut anothers = given_back(1250);
    anothers["latest_charge"]["id"] = json!("ch_of_another");
    vec![
        missing,
        anothers,
        charge(json!("ch_1")),
        charge(Value::Null),
        with("id", json!("ch_of_another")),
        with("amount_refunded", Value::Null),
        with("amount_refunded", json!("0")),
        with("amount_refunded", json!(-5)),
        with("amount_refunded", json!(5000)),
        with("status", json!("failed")),
    ]
}

#[tokio::test]
async fn a_charge_that_is_not_shown_or_is_anothers_changes_nothing_in_the_books_and_calls_an_operator() {
    for (gone, status) in [(500, OrderStatus::Paid), (1250, OrderStatus::Refunded)] {
        let order = Order::paid().await;
        order.after_refund(gone).await;
        for look in looks_that_show_nothing() {
            assert!(order.note(NEWS).await.is_some_and(|noted| noted.due));
            assert_eq!(order.comes_to(&Provider::with_intent(&look)).await, (status, true), "{look}");
            assert_eq!(order.shown().await.charge.refunded, Some(gone), "{look}");
            assert!(order.stands().await.1.is_some_and(|wait| wait > 200), "{look}");
        }
        assert_eq!(order.after_refund(1250).await, (OrderStatus::Refunded, Some(1250), false));
    }
}

#[tokio::test]
async fn a_charge_that_was_never_shown_is_the_one_that_its_payment_shows() {
    let order = Order::place().await;
    let mut paid = intent("succeeded");
    paid["latest_charge"] = Value::Null;
    assert_eq!(order.step(&Provider::with_intent(&paid)).await.0.answer.status, OrderStatus::Paid);
    assert_eq!(order.shown().await.charge.id, "pi_1");
    assert_eq!(order.after_refund(500).await, (OrderStatus::Paid, Some(500), false));
}

#[tokio::test]
async fn that_it_was_given_back_already_is_believed_where_the_charge_shows_it() {
    let already = error("invalid_request_error", &json!({ "code": "charge_already_refunded" }));
    let untyped = json!({ "error": { "code": "charge_already_refunded" } });
    for (status, body, gone, seen) in [
        (400, &already, 0, true),
        (400, &already, 500, true),
        (403, &already, 1250, false),
        (403, &untyped, 1250, false),
        (400, &untyped, 1250, false),
    ] {
        let order = unwanted().await;
        let provider = Provider::with_intent(&given_back(gone));
        provider.says("refund", status, body);
        assert_eq!(order.comes_to(&provider).await, (OrderStatus::RefundPending, true), "{status} {body}");
        assert_eq!(order.shown().await.charge.refunded, None, "{status} {body}");
        assert_eq!(provider.seen().iter().any(|seen| seen == "look"), seen, "{status} {body}");
        // It is given back once the provider does that.
        order.shop.owner.execute(&DUE).await.expect("updates");
        let giving = Provider::with_intent(&given_back(0));
        giving.says("refund", 200, &refund("succeeded", 1250));
        assert_eq!(order.step(&giving).await.0.answer.status, OrderStatus::Refunded, "{status} {body}");
    }
    let order = unwanted().await;
    let provider = Provider::with_intent(&given_back(1250));
    provider.says("refund", 400, &already);
    assert_eq!(order.comes_to(&provider).await, (OrderStatus::Refunded, false));
    assert_eq!(order.shown().await.charge.refunded, Some(1250));
}

#[tokio::test]
async fn an_unwanted_payment_is_not_given_back_by_what_is_said_of_another() {
    for (name, value) in [
        ("payment_intent", json!("pi_of_another")),
        ("charge", json!({ "id": "ch_of_another", "status": "succeeded", "amount_refunded": 1250 })),
        ("currency", json!("eur")),
        ("amount", json!(5000)),
        ("metadata", json!({ "order_id": uuid::Uuid::now_v7() })),
        ("metadata", json!({ "refund_id": uuid::Uuid::now_v7() })),
    ] {
        let order = unwanted().await;
        let provider = Provider::with_intent(&given_back(0));
        let mut answer = refund("succeeded", 1250);
        answer[name] = value;
        provider.says("refund", 200, &answer);
        assert_eq!(order.comes_to(&provider).await, (OrderStatus::RefundPending, true), "{answer}");
        assert_eq!(order.shown().await.charge.refunded, None, "{answer}");
    }
}

#[tokio::test]
async fn money_that_should_go_back_and_of_which_a_part_did_calls_an_operator() {
    let order = unwanted().await;
    let provider = Provider::with_intent(&given_back(500));
    provider.says("refund", 200, &refund("succeeded", 500));
    assert_eq!(order.comes_to(&provider).await, (OrderStatus::RefundPending, true));
    assert_eq!(order.shown().await.charge.refunded, Some(500));
    let (advanced, _) = order.step(&Provider::with_intent(&given_back(1250))).await;
    assert_eq!(advanced.answer.status, OrderStatus::Refunded);
}
