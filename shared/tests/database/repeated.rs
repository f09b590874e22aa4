//! What an order's customer gets who asks again, under the same key or for the order: how it stands, and what is needed
//! to finish it, for as long as it waits for that.

use serde_json::{Value, json};
use shared::checkout::{Placed, claim_to_cancel};
use shared::database::Statement;
use shared::orders::{Answer, ClientSecret, OrderStatus, WaitsFor, page};

use crate::charging::Order;
use crate::checkout::{BODY, purchase};
use crate::provider::{Provider, error, intent};

static DUE: Statement = Statement::new("test.due_now", "update orders set lease_until = null");
static TOO_LATE: Statement = Statement::new("test.too_late", "update orders set deadline = now()");
static GIVEN_BACK: Statement = Statement::new("test.given_back", "update orders set status = 'refunded'");
static KEPT: Statement =
    Statement::new("test.kept", "select client_secret from payments where order_id = $1");

/// An intent that waits for its customer.
fn asks_first() -> Value {
    let mut intent = intent("requires_action");
    intent["client_secret"] = json!("pi_1_secret_of_the_browser");
    intent
}

impl Order {
    /// What the same request gets under the same key.
    async fn again(&self) -> Answer {
        let purchase = purchase(self.user, "key", BODY, &[(self.product, 1)]);
        match self.shop.places(purchase).await {
            Ok(Placed::Repeated(answer)) => answer,
            Ok(_) => panic!("placed twice"),
            Err(error) => panic!("refused: {:?} {:?}", error.problem(), error.cause()),
        }
    }

    /// The secret in each place where its customer may look for it.
    async fn secrets(&self) -> [Option<String>; 3] {
        let headers = page(&self.shop.functions, self.user, None, 1).await.expect("a page");
        let listed = headers.into_iter().next().and_then(|header| header.client_secret);
        [self.again().await.charge.client_secret, self.shown().await.charge.client_secret, listed]
            .map(|secret| secret.as_ref().map(ClientSecret::reveal).map(str::to_owned))
    }

    async fn kept(&self) -> Option<String> {
        self.shop.owner.fetch_one::<(Option<String>,)>(KEPT.bind(self.id)).await.expect("finds").0
    }

    /// Put off first, as while the provider is away, and then waiting for its customer.
    async fn that_asks_first() -> Self {
        let order = Self::place().await;
        let (mut put_off, _) = order.step(&Provider::that_says(429, &json!({}))).await;
        assert_eq!(put_off.answer.status, OrderStatus::Deferred);
        assert_eq!(put_off.answer.charge.waits_for.take(), Some(WaitsFor::ProvidersLimit));
        assert_eq!(order.again().await, put_off.answer);
        let provider = Provider::with_intent(&asks_first());
        provider.says("create", 200, &intent("requires_confirmation"));
        let (waiting, _) = order.step(&provider).await;
        assert_eq!(waiting.answer.status, OrderStatus::ActionRequired);
        assert_eq!(order.again().await, waiting.answer);
        order
    }
}

#[tokio::test]
async fn an_order_that_waits_for_its_customer_tells_its_secret_to_whoever_of_them_asks_and_then_no_more() {
    let secret = || Some("pi_1_secret_of_the_browser".to_owned());
    let order = Order::that_asks_first().await;
    assert_eq!(order.secrets().await, [secret(), secret(), secret()]);
    // A look that finds nothing new takes nothing away.
    order.shop.owner.execute(&DUE).await.expect("updates");
    order.step(&Provider::that_says(503, &json!({}))).await;
    assert_eq!(order.secrets().await, [secret(), secret(), secret()]);

    order.shop.owner.execute(&DUE).await.expect("updates");
    order.step(&Provider::with_intent(&intent("succeeded"))).await;
    assert_eq!((order.secrets().await, order.kept().await), ([None, None, None], None));
    let again = order.again().await;
    assert_eq!(again.status, OrderStatus::Paid);
    assert_eq!((again.charge.id.as_str(), again.charge.status.as_str()), ("ch_1", "succeeded"));
}

#[tokio::test]
async fn after_its_deadline_and_once_it_is_being_cancelled_nobody_is_helped_to_pay_an_order() {
    let order = Order::that_asks_first().await;
    order.shop.owner.execute(&TOO_LATE).await.expect("updates");
    assert_eq!(order.secrets().await, [None, None, None]);

    let order = Order::that_asks_first().await;
    claim_to_cancel(&order.shop.functions, order.user, order.id).await.expect("answers").expect("theirs");
    assert_eq!(order.secrets().await, [None, None, None]);
    order.shop.owner.execute(&DUE).await.expect("updates");
    order.step(&Provider::with_intent(&intent("canceled"))).await;
    let again = order.again().await;
    assert_eq!(again.status, OrderStatus::Cancelled);
    assert_eq!(order.kept().await, None);
}

#[tokio::test]
async fn an_order_that_was_promised_and_then_declined_is_told_as_declined() {
    let order = Order::place().await;
    order.step(&Provider::that_says(429, &json!({}))).await;
    let declined = error("card_error", &json!({ "code": "card_declined", "decline_code": "lost_card" }));
    let provider = Provider::with_intent(&intent("requires_payment_method"));
    provider.says("create", 402, &declined);
    order.step(&provider).await;
    let again = order.again().await;
    assert_eq!(again.status, OrderStatus::Failed);
    assert_eq!(again.charge.decline_code.as_deref(), Some("lost_card"));
}

#[tokio::test]
async fn an_order_that_was_charged_after_its_cancellation_was_not_paid_and_one_that_is_given_back_was() {
    let order = Order::that_asks_first().await;
    claim_to_cancel(&order.shop.functions, order.user, order.id).await.expect("answers").expect("theirs");
    order.shop.owner.execute(&DUE).await.expect("updates");
    order.step(&Provider::with_intent(&intent("succeeded"))).await;
    let again = order.again().await;
    assert_eq!((again.status, again.was_paid), (OrderStatus::RefundPending, false));
    let provider = Provider::with_intent(&intent("succeeded"));
    let refund = json!({ "id": "re_1", "status": "succeeded", "amount": 1250, "payment_intent": "pi_1" });
    provider.says("refund", 200, &refund);
    order.step(&provider).await;
    let again = order.again().await;
    assert_eq!((again.status, again.was_paid), (OrderStatus::Refunded, false));

    let order = Order::place().await;
    order.step(&Provider::with_intent(&intent("succeeded"))).await;
    assert!(order.again().await.was_paid);
    order.shop.owner.execute(&GIVEN_BACK).await.expect("updates");
    let again = order.again().await;
    assert_eq!((again.status, again.was_paid), (OrderStatus::Refunded, true));
}
