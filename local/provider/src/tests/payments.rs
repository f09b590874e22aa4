//! Payments that nothing disturbs.

use serde_json::json;
use shared::payments::{ChargeStatus, Health, Intent, IntentStatus, Outcome, RefundStatus, Refunds, Reply};
use uuid::Uuid;

use crate::testing::{Double, client, price, soon};

/// Creates and confirms an intent.
async fn pay(double: &Double, order: Uuid, card: &str) -> (Intent, Reply<Intent>) {
    let intent = double.intent(order, card).await;
    let confirmed = double.confirm(order, &intent.id).await;
    (intent, confirmed)
}

async fn retrieve(double: &Double, id: &str) -> Intent {
    let reply = double.payments.retrieve_intent(id, soon()).await;
    let Outcome::Answered(intent) = reply.outcome else { panic!("{reply:?}") };
    intent
}

#[tokio::test]
async fn it_creates_an_intent_that_moves_no_money_and_confirms_it() {
    let double = Double::start().await;
    let order = Uuid::now_v7();
    let intent = double.intent(order, "pm_card_visa").await;
    assert_eq!(intent.status, IntentStatus::RequiresConfirmation);
    assert_eq!((intent.order_id, intent.money.clone()), (Some(order), price()));
    assert!(!intent.attempted());
    assert_eq!(double.charged(order).await, (0, 0));

    let confirmed = double.confirm(order, &intent.id).await;
    assert_eq!(confirmed.health(), Health::Ok);
    assert!(confirmed.request_id.is_some_and(|id| id.starts_with("req_")));
    let Outcome::Answered(paid) = confirmed.outcome else { panic!("not answered") };
    assert_eq!(paid.status, IntentStatus::Succeeded);
    assert_eq!(paid.charge.as_ref().and_then(|charge| charge.status), Some(ChargeStatus::Succeeded));
    assert_eq!(double.charged(order).await, (1, 0));
    assert_eq!(retrieve(&double, &intent.id).await, paid);
}

#[tokio::test]
async fn it_reports_a_decline_with_the_banks_reason() {
    let double = Double::start().await;
    for (card, code) in [
        ("pm_card_visa_chargeDeclined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card"),
    ] {
        let order = Uuid::now_v7();
        let (intent, confirmed) = pay(&double, order, card).await;
        assert_eq!(confirmed.health(), Health::Ok);
        let Outcome::Declined(decline) = confirmed.outcome else { panic!("not declined") };
        assert_eq!(decline.code, code);
        assert_eq!(double.charged(order).await, (0, 0));
        let after = retrieve(&double, &intent.id).await;
        assert_eq!(after.status, IntentStatus::RequiresPaymentMethod);
        assert!(after.attempted());
        assert_eq!(after.last_error.map(|decline| decline.code).as_deref(), Some(code));
    }
}

#[tokio::test]
async fn it_waits_for_the_customer_to_authenticate() {
    let double = Double::start().await;
    for (succeeds, status) in [(true, IntentStatus::Succeeded), (false, IntentStatus::RequiresPaymentMethod)]
    {
        let order = Uuid::now_v7();
        let (intent, confirmed) = pay(&double, order, "pm_card_authenticationRequired").await;
        let Outcome::Answered(waiting) = confirmed.outcome else { panic!("not answered") };
        assert_eq!(waiting.status, IntentStatus::RequiresAction);
        assert!(waiting.client_secret.is_some() && waiting.attempted());
        let settle = format!("intents/{}/settle", intent.id);
        double.control("POST", &settle, json!({ "succeeds": succeeds })).await;
        assert_eq!(retrieve(&double, &intent.id).await.status, status);
        assert_eq!(double.charged(order).await.0, usize::from(succeeds));
    }
}

#[tokio::test]
async fn it_waits_for_a_bank_that_takes_its_time() {
    let double = Double::start().await;
    let order = Uuid::now_v7();
    let (intent, confirmed) = pay(&double, order, "pm_card_processing").await;
    let Outcome::Answered(waiting) = confirmed.outcome else { panic!("not answered") };
    assert_eq!(waiting.status, IntentStatus::Processing);
    assert_eq!(waiting.charge.and_then(|charge| charge.status), Some(ChargeStatus::Pending));
    let cancelled = double.payments.cancel_intent(&intent.id, soon()).await;
    let Outcome::Answered(still) = cancelled.outcome else { panic!("not answered") };
    assert_eq!(still.status, IntentStatus::Processing);
    double.control("POST", &format!("intents/{}/settle", intent.id), json!({ "succeeds": true })).await;
    assert_eq!(double.charged(order).await, (1, 0));
}

#[tokio::test]
async fn it_cancels_an_intent_for_good() {
    let double = Double::start().await;
    let order = Uuid::now_v7();
    let intent = double.intent(order, "pm_card_visa").await;
    for _again in 0..2 {
        let cancelled = double.payments.cancel_intent(&intent.id, soon()).await;
        let Outcome::Answered(cancelled) = cancelled.outcome else { panic!("not answered") };
        assert_eq!(cancelled.status, IntentStatus::Canceled);
    }
    let confirmed = double.confirm(order, &intent.id).await;
    let Outcome::Answered(still) = confirmed.outcome else { panic!("not answered") };
    assert_eq!(still.status, IntentStatus::Canceled);
    assert_eq!(double.charged(order).await, (0, 0));
}

#[tokio::test]
async fn it_learns_that_what_it_would_cancel_or_confirm_again_is_paid() {
    let double = Double::start().await;
    let order = Uuid::now_v7();
    let (intent, _paid) = pay(&double, order, "pm_card_visa").await;
    let cancelled = double.payments.cancel_intent(&intent.id, soon()).await;
    let again = double.payments.confirm_intent(order, &intent.id, 2, None, soon()).await;
    for reply in [cancelled, again] {
        let Outcome::Answered(intent) = reply.outcome else { panic!("not answered") };
        assert_eq!(intent.status, IntentStatus::Succeeded);
    }
    assert_eq!(double.charged(order).await, (1, 0));
}

#[tokio::test]
async fn it_gives_the_money_back_once() {
    let double = Double::start().await;
    let order = Uuid::now_v7();
    let (intent, _paid) = pay(&double, order, "pm_card_visa").await;
    for replayed in [false, true] {
        let reply = double.payments.refund(order, &intent.id, "cancelled", soon()).await;
        assert_eq!(reply.replayed, replayed);
        let Outcome::Answered(refund) = reply.outcome else { panic!("not answered") };
        assert_eq!((refund.status, refund.amount), (RefundStatus::Succeeded, price().amount));
    }
    let other = double.payments.refund(order, &intent.id, "overcharged", soon()).await;
    let Outcome::Refused(refusal) = other.outcome else { panic!("not refused") };
    assert_eq!(refusal.code.as_deref(), Some("charge_already_refunded"));
    assert_eq!(double.charged(order).await, (1, price().amount));
}

#[tokio::test]
async fn it_lists_what_was_given_back_of_a_payment_the_newest_first_and_shows_how_much_in_all() {
    let double = Double::start().await;
    let order = Uuid::now_v7();
    let ((intent, _paid), (other, _)) =
        (pay(&double, order, "pm_card_visa").await, pay(&double, Uuid::now_v7(), "pm_card_visa").await);
    double.payments.refund(order, &other.id, "of-another", soon()).await;
    let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
    for (refund, in_all) in [(first, 500), (second, 1000)] {
        let reply = double.payments.refund_part(order, &intent.id, 500, refund, 0, soon()).await;
        let Outcome::Answered(made) = reply.outcome else { panic!("{reply:?}") };
        assert_eq!(
            (made.refund_id, made.charge.and_then(|charge| charge.refunded)),
            (Some(refund), Some(in_all))
        );
    }
    let list = async |after: Option<&str>| {
        let reply = double.payments.list_refunds(&intent.id, after, soon()).await;
        let Outcome::Answered(page) = reply.outcome else { panic!("{reply:?}") };
        page
    };
    let page = list(None).await;
    let ids = |page: &Refunds| page.data.iter().map(|refund| refund.refund_id).collect::<Vec<_>>();
    assert_eq!((ids(&page), page.has_more), (vec![Some(second), Some(first)], false));
    assert!(page.data.iter().all(|refund| refund.intent_id.as_ref() == Some(&intent.id)));
    assert_eq!(ids(&list(Some(page.data[0].id.as_str())).await), [Some(first)]);
    // Another key of the same refund is another refund to the provider.
    let again = double.payments.refund_part(order, &intent.id, 500, second, 1, soon()).await;
    assert!(matches!(again.outcome, Outcome::Answered(_)) && !again.replayed, "{again:?}");
    let unknown = double.payments.list_refunds("pi_unknown", None, soon()).await;
    assert!(matches!(unknown.outcome, Outcome::Refused(_)), "{unknown:?}");
}

#[tokio::test]
async fn it_rejects_a_bad_payment_before_anything_exists() {
    let double = Double::start().await;
    let order = Uuid::now_v7();
    let unknown = double.payments.create_intent(order, &price(), "pm_nonsense", soon()).await;
    let Outcome::Declined(decline) = unknown.outcome else { panic!("not declined") };
    assert_eq!(decline.code, "resource_missing");
    for (amount, currency, why) in [
        (0, "eur", (Some("amount_too_small"), Some("amount"))),
        (29, "gbp", (Some("amount_too_small"), Some("amount"))),
        (100_000_000, "usd", (Some("amount_too_large"), Some("amount"))),
        (5_124, "kwd", (Some("parameter_invalid_integer"), Some("amount"))),
        (5_000, "zzz", (None, Some("currency"))),
    ] {
        let money = shared::payments::Money { amount, currency: currency.to_owned() };
        let reply = double.payments.create_intent(order, &money, "pm_card_visa", soon()).await;
        let Outcome::Refused(refusal) = reply.outcome else { panic!("{amount} {currency} is not refused") };
        assert_eq!((refusal.code.as_deref(), refusal.param.as_deref()), why);
    }
    // What was refused before it began is forgotten by its key: the corrected request goes through.
    let right = double.payments.create_intent(order, &price(), "pm_card_visa", soon()).await;
    assert!(matches!(right.outcome, Outcome::Answered(_)), "{right:?}");
}

#[tokio::test]
async fn it_does_not_find_an_intent_that_is_not_there() {
    let double = Double::start().await;
    for id in ["pi_nonsense", "../refunds", "a/b?c#d", ""] {
        let reply = double.payments.retrieve_intent(id, soon()).await;
        assert!(!matches!(reply.outcome, Outcome::Unknown(_) | Outcome::NeverSent(_)), "{id}: {reply:?}");
    }
}

#[tokio::test]
async fn it_does_not_know_a_payment_of_another_account() {
    let double = Double::start().await;
    let (intent, _paid) = pay(&double, Uuid::now_v7(), "pm_card_visa").await;
    double.control("DELETE", "intents", serde_json::Value::Null).await;
    let order = Uuid::now_v7();
    for outcome in [
        double.payments.retrieve_intent(&intent.id, soon()).await.outcome,
        double.payments.cancel_intent(&intent.id, soon()).await.outcome,
        double.payments.confirm_intent(order, &intent.id, 2, None, soon()).await.outcome,
    ] {
        let Outcome::Refused(refusal) = outcome else { panic!("{outcome:?}") };
        assert!(refusal.is_not_found(), "{refusal:?}");
    }
}

#[tokio::test]
async fn it_is_not_let_in_with_another_key() {
    let double = Double::start().await;
    let stranger = shared::payments::Payments::new(&shared::payments::Settings {
        base_url: double.url.clone(),
        secret_key: shared::payments::Secret::new("sk_test_stranger"),
    })
    .expect("settings");
    let reply = stranger.create_intent(Uuid::now_v7(), &price(), "pm_card_visa", soon()).await;
    let health = reply.health();
    let Outcome::Refused(refusal) = reply.outcome else { panic!("not refused") };
    // The provider works: it is our key that does not.
    assert_eq!((refusal.status, health), (401, Health::Ok));
}

#[tokio::test]
async fn it_remembers_every_charge_and_every_key_after_a_restart() {
    let double = Double::start().await;
    let order = Uuid::now_v7();
    let (intent, paid) = pay(&double, order, "pm_card_visa").await;
    let Outcome::Answered(paid) = paid.outcome else { panic!("not answered") };
    let double = double.restart().await;
    assert_eq!(double.charged(order).await, (1, 0));
    assert_eq!(retrieve(&double, &intent.id).await, paid);
    let again = client(&double.url).confirm_intent(order, &intent.id, 1, None, soon()).await;
    assert!(again.replayed);
    assert_eq!(again.outcome, Outcome::Answered(paid));
}
