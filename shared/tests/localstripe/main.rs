//! Millrace's client against `localstripe`, which others wrote: it shows that we speak Stripe's dialect and not only
//! that of our own double. Its limits shape these tests: no idempotency, few cards, plainer errors.

mod fake;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use fake::Localstripe;
use shared::payments::{
    ChargeStatus, Intent, IntentStatus, Money, Outcome, Payments, RefundStatus, Reply, Secret, webhook,
};
use time::OffsetDateTime;
use tokio::time::Instant;
use uuid::Uuid;

const PRICE: i64 = 1_999;

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

async fn create(payments: &Payments, order: Uuid, card: &str) -> Reply<Intent> {
    let price = Money { amount: PRICE, currency: "eur".to_owned() };
    payments.create_intent(order, &price, card, soon()).await
}

async fn created(payments: &Payments, order: Uuid, card: &str) -> Intent {
    let reply = create(payments, order, card).await;
    let Outcome::Answered(intent) = reply.outcome else { panic!("{reply:?}") };
    intent
}

#[tokio::test]
async fn it_pays_looks_and_gives_back() {
    let localstripe = Localstripe::start();
    let (payments, order) = (localstripe.client(), Uuid::now_v7());
    let intent = created(&payments, order, "pm_card_visa").await;
    assert_eq!(intent.status, IntentStatus::RequiresConfirmation);
    assert_eq!(intent.order_id, Some(order));
    assert!(!intent.attempted());

    let confirmed = payments.confirm_intent(order, &intent.id, 1, None, soon()).await;
    let Outcome::Answered(paid) = confirmed.outcome else { panic!("{confirmed:?}") };
    assert_eq!((paid.status, paid.money.amount), (IntentStatus::Succeeded, PRICE));
    let looked = payments.retrieve_intent(&intent.id, soon()).await;
    assert_eq!(looked.outcome, Outcome::Answered(paid.clone()));
    assert_eq!(paid.charge.and_then(|charge| charge.status), Some(ChargeStatus::Succeeded));

    let refunded = payments.refund(order, &intent.id, "test", soon()).await;
    let Outcome::Answered(refund) = refunded.outcome else { panic!("{refunded:?}") };
    assert_eq!((refund.status, refund.amount), (RefundStatus::Succeeded, PRICE));
}

#[tokio::test]
async fn it_pays_by_one_call() {
    let localstripe = Localstripe::start();
    let (payments, order) = (localstripe.client(), Uuid::now_v7());
    let price = Money { amount: PRICE, currency: "eur".to_owned() };
    let paid = payments.pay(order, &price, "pm_card_visa", soon()).await;
    let Outcome::Answered(paid) = paid.outcome else { panic!("{paid:?}") };
    assert_eq!((paid.status, paid.order_id), (IntentStatus::Succeeded, Some(order)));
    let declined = payments.pay(order, &price, "pm_card_chargeCustomerFail", soon()).await;
    let Outcome::Declined(decline) = declined.outcome else { panic!("{declined:?}") };
    assert_eq!(decline.code, "card_declined");
}

#[tokio::test]
async fn it_reports_a_decline() {
    let localstripe = Localstripe::start();
    let (payments, order) = (localstripe.client(), Uuid::now_v7());
    let intent = created(&payments, order, "pm_card_chargeCustomerFail").await;
    let confirmed = payments.confirm_intent(order, &intent.id, 1, None, soon()).await;
    let Outcome::Declined(decline) = confirmed.outcome else { panic!("{confirmed:?}") };
    assert_eq!(decline.code, "card_declined");
    let looked = payments.retrieve_intent(&intent.id, soon()).await;
    let Outcome::Answered(after) = looked.outcome else { panic!("{looked:?}") };
    assert_eq!(after.status, IntentStatus::RequiresPaymentMethod);
    assert!(after.attempted());
}

#[tokio::test]
async fn it_cancels() {
    let localstripe = Localstripe::start();
    let payments = localstripe.client();
    let intent = created(&payments, Uuid::now_v7(), "pm_card_visa").await;
    let cancelled = payments.cancel_intent(&intent.id, soon()).await;
    let Outcome::Answered(cancelled) = cancelled.outcome else { panic!("{cancelled:?}") };
    assert_eq!(cancelled.status, IntentStatus::Canceled);
}

#[tokio::test]
async fn it_is_refused_what_does_not_exist() {
    let localstripe = Localstripe::start();
    let payments = localstripe.client();
    let unknown_card = create(&payments, Uuid::now_v7(), "pm_nonsense").await;
    assert!(matches!(unknown_card.outcome, Outcome::Declined(_) | Outcome::Refused(_)), "{unknown_card:?}");
    let unknown_intent = payments.retrieve_intent("pi_nonsense", soon()).await;
    assert!(matches!(unknown_intent.outcome, Outcome::Refused(_)), "{unknown_intent:?}");
}

#[tokio::test]
async fn it_believes_the_webhooks_that_localstripe_signs() {
    let secret = Secret::new("whsec_millrace");
    let shop = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = shop.local_addr().expect("an address");
    let localstripe = Localstripe::start();
    localstripe.send_webhooks_to(&format!("http://{address}/"), secret.reveal()).await;
    let delivered = tokio::task::spawn_blocking(move || receive(&shop));

    let (payments, order) = (localstripe.client(), Uuid::now_v7());
    let intent = created(&payments, order, "pm_card_visa").await;
    payments.confirm_intent(order, &intent.id, 1, None, soon()).await;

    let (header, body) = delivered.await.expect("a delivery");
    let event = webhook::verify(&[secret], &header, &body, OffsetDateTime::now_utc());
    let event = event.expect("believed").expect("read");
    assert_eq!(event.kind, "payment_intent.succeeded");
    assert_eq!(event.intent_id, Some(intent.id));
}

/// One delivery, taken by hand: signature header and raw body.
fn receive(shop: &TcpListener) -> (String, Vec<u8>) {
    let (mut stream, _) = shop.accept().expect("a delivery");
    let mut request = Vec::new();
    let (head, length) = loop {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).expect("a request");
        assert!(read > 0, "the delivery broke off");
        request.extend_from_slice(&chunk[..read]);
        if let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&request[..end]).into_owned();
            let length: usize = field(&head, "content-length").parse().expect("a length");
            break (head, end + 4 + length);
        }
    };
    let begin = request.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
    let mut rest = vec![0; length - request.len()];
    stream.read_exact(&mut rest).expect("the body");
    request.extend(rest);
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").expect("answered");
    (field(&head, webhook::SIGNATURE_HEADER), request.split_off(begin))
}

fn field(head: &str, name: &str) -> String {
    let value =
        head.lines().filter_map(|line| line.split_once(':')).find(|(n, _)| n.eq_ignore_ascii_case(name));
    value.map(|(_, value)| value.trim().to_owned()).expect("the header field")
}
