//! Idempotency keys: replayed, misused, busy, pruned.

use serde_json::{Value, json};
use shared::payments::{Intent, Money, Outcome};
use uuid::Uuid;

use crate::testing::{Double, price, soon};

#[tokio::test]
async fn it_gets_the_first_answer_of_a_key_again() {
    let double = Double::start().await;
    let order = Uuid::now_v7();
    let intent = double.intent(order, "pm_card_visa").await;
    assert_eq!(double.intent(order, "pm_card_visa").await, intent);
    let first = double.confirm(order, &intent.id).await;
    let second = double.confirm(order, &intent.id).await;
    assert_eq!((first.replayed, second.replayed), (false, true));
    assert_eq!(first.outcome, second.outcome);
    assert_eq!(double.charged(order).await, (1, 0));
}

#[tokio::test]
async fn it_replays_a_decline_as_well() {
    let double = Double::start().await;
    let order = Uuid::now_v7();
    let intent = double.intent(order, "pm_card_visa_chargeDeclined").await;
    for replayed in [false, true] {
        let reply = double.confirm(order, &intent.id).await;
        assert_eq!(reply.replayed, replayed);
        assert!(matches!(reply.outcome, Outcome::Declined(_)), "{reply:?}");
    }
}

#[tokio::test]
async fn it_is_told_that_a_key_was_used_for_something_else() {
    let double = Double::start().await;
    let order = Uuid::now_v7();
    double.intent(order, "pm_card_visa").await;
    let other = Money { amount: 2_000, ..price() };
    let reply = double.payments.create_intent(order, &other, "pm_card_visa", soon()).await;
    assert_eq!(reply.outcome, Outcome::KeyReused);
}

#[tokio::test]
async fn it_charges_once_when_many_confirm_with_one_key() {
    let double = Double::start().await;
    let order = Uuid::now_v7();
    let intent = double.intent(order, "pm_card_visa").await;
    double.fault(json!({ "kind": "delay", "operation": "confirm", "delay_ms": 100 })).await;
    let confirm = || double.confirm(order, &intent.id);
    let calls: Vec<_> = (0..20).map(|_| confirm()).collect();
    let replies = futures::future::join_all(calls).await;
    for reply in &replies {
        assert!(matches!(reply.outcome, Outcome::Answered(_) | Outcome::Running), "{reply:?}");
    }
    assert!(replies.iter().any(|reply| matches!(reply.outcome, Outcome::Answered(_))));
    assert_eq!(double.charged(order).await, (1, 0));
    let first_time = |reply: &&shared::payments::Reply<Intent>| {
        matches!(reply.outcome, Outcome::Answered(_)) && !reply.replayed
    };
    assert_eq!(replies.iter().filter(first_time).count(), 1);
}

#[tokio::test]
async fn it_creates_one_intent_when_many_create_with_one_key() {
    let double = Double::start().await;
    let (order, price) = (Uuid::now_v7(), price());
    double.fault(json!({ "kind": "delay", "operation": "create", "delay_ms": 100, "times": null })).await;
    let create = || double.payments.create_intent(order, &price, "pm_card_visa", soon());
    let replies = futures::future::join_all((0..20).map(|_| create())).await;
    assert!(replies.iter().any(|reply| matches!(reply.outcome, Outcome::Answered(_))));
    let ledger = double.control("GET", "ledger", Value::Null).await;
    assert_eq!(ledger["intents"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn it_comes_back_later_while_its_key_is_busy() {
    let double = Double::start().await;
    let order = Uuid::now_v7();
    let intent = double.intent(order, "pm_card_visa").await;
    double.fault(json!({ "kind": "delay", "operation": "confirm", "delay_ms": 4_000 })).await;
    let slow = double.confirm(order, &intent.id);
    let busy = async {
        double.is_working_on(&intent.id).await;
        let same_key = double.confirm(order, &intent.id);
        let other_key = double.payments.confirm_intent(order, &intent.id, 2, None, soon());
        let cancel = double.payments.cancel_intent(&intent.id, soon());
        futures::future::join3(same_key, other_key, cancel).await
    };
    let (slow, (same_key, other_key, cancel)) = futures::future::join(slow, busy).await;
    assert!(matches!(slow.outcome, Outcome::Answered(_)), "{slow:?}");
    for reply in [same_key, other_key, cancel] {
        assert_eq!(reply.outcome, Outcome::Running);
    }
    assert_eq!(double.charged(order).await, (1, 0));
}

#[tokio::test]
async fn it_cannot_charge_twice_although_the_provider_forgot_the_key() {
    let double = Double::start().await;
    let order = Uuid::now_v7();
    let intent = double.intent(order, "pm_card_visa").await;
    double.confirm(order, &intent.id).await;
    double.control("DELETE", "keys", Value::Null).await;
    let again = double.confirm(order, &intent.id).await;
    assert!(!again.replayed);
    assert!(matches!(again.outcome, Outcome::Answered(intent) if intent.charge.is_some()));
    assert_eq!(double.charged(order).await, (1, 0));
    // An orphan, and harmless: nobody confirms it.
    assert_ne!(double.intent(order, "pm_card_visa").await.id, intent.id);
}

#[tokio::test]
async fn it_pays_once_however_often_it_is_asked_under_one_key() {
    let double = Double::start().await;
    let (order, price) = (Uuid::now_v7(), price());
    let calls = (0..10).map(|_| double.payments.pay(order, &price, "pm_card_visa", soon()));
    futures::future::join_all(calls).await;
    let again = double.payments.pay(order, &price, "pm_card_visa", soon()).await;
    assert!(again.replayed, "{again:?}");
    assert_eq!(double.charged(order).await, (1, 0));
}

#[tokio::test]
async fn it_charges_nothing_under_a_key_that_was_used_up() {
    let double = Double::start().await;
    let (order, price) = (Uuid::now_v7(), price());
    let fence = double.payments.fence(order, &price, "pm_card_visa", soon()).await;
    let Outcome::Answered(intent) = fence.outcome else { panic!("{fence:?}") };
    assert!(!intent.attempted());
    let late = double.payments.pay(order, &price, "pm_card_visa", soon()).await;
    assert_eq!(late.outcome, Outcome::KeyReused);
    assert_eq!(double.charged(order).await, (0, 0));
}

#[tokio::test]
async fn it_tells_that_a_key_was_used_to_pay_and_lists_and_finds_the_payment() {
    let double = Double::start().await;
    let (order, price) = (Uuid::now_v7(), price());
    let paid = double.payments.pay(order, &price, "pm_card_visa_chargeDeclined", soon()).await;
    let Outcome::Declined(decline) = paid.outcome else { panic!("{paid:?}") };
    let shown = decline.intent.expect("is shown");
    let fence = double.payments.fence(order, &price, "pm_card_visa_chargeDeclined", soon()).await;
    assert_eq!(fence.outcome, Outcome::KeyReused);
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    for (page, found) in [
        (double.payments.list_intents((now - 60, now + 60), None, soon()).await, 1),
        (double.payments.list_intents((now - 120, now - 60), None, soon()).await, 0),
        (double.payments.search_intents(order, soon()).await, 1),
        (double.payments.search_intents(Uuid::now_v7(), soon()).await, 0),
    ] {
        let Outcome::Answered(page) = page.outcome else { panic!("{page:?}") };
        assert_eq!(page.data.len(), found);
        assert!(page.data.iter().all(|intent| intent.id == shown.id && intent.order_id == Some(order)));
    }
}
