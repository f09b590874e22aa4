//! Events on their way to a shop.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::json;
use shared::payments::Secret;
use shared::payments::webhook::{self, Event, SIGNATURE_HEADER};
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::testing::{Double, SIGNING_SECRET, soon};

/// A shop that checks and collects what it is sent, after refusing the first few deliveries.
struct Shop {
    url: String,
    inbox: Arc<Inbox>,
    _task: JoinSet<std::io::Result<()>>,
}

#[derive(Default)]
struct Inbox {
    refusals: Mutex<u32>,
    events: Mutex<Vec<Event>>,
    news: Notify,
}

impl Shop {
    async fn open(refusals: u32) -> Self {
        let inbox = Arc::new(Inbox { refusals: Mutex::new(refusals), ..Inbox::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/api/webhooks/payments", listener.local_addr().expect("an address"));
        let router = Router::new().route("/api/webhooks/payments", post(receive)).with_state(inbox.clone());
        let mut task = JoinSet::new();
        task.spawn(async move { axum::serve(listener, router).await });
        Self { url, inbox, _task: task }
    }

    async fn events(&self, number: usize) -> Vec<Event> {
        loop {
            let news = self.inbox.news.notified();
            let events = self.inbox.events.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if events.len() >= number {
                return events;
            }
            news.await;
        }
    }
}

async fn receive(State(inbox): State<Arc<Inbox>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = headers.get(SIGNATURE_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let event = webhook::verify(&[Secret::new(SIGNING_SECRET)], header, &body, OffsetDateTime::now_utc());
    let Ok(Some(event)) = event else { return StatusCode::BAD_REQUEST };
    let mut refusals = inbox.refusals.lock().unwrap_or_else(PoisonError::into_inner);
    if *refusals > 0 {
        *refusals -= 1;
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    inbox.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    inbox.news.notify_waiters();
    StatusCode::OK
}

async fn pay(double: &Double, card: &str) -> String {
    let order = Uuid::now_v7();
    let intent = double.intent(order, card).await;
    double.confirm(order, &intent.id).await;
    intent.id
}

fn kinds(events: &[Event]) -> Vec<&str> {
    let mut kinds: Vec<_> = events.iter().map(|event| event.kind.as_str()).collect();
    kinds.sort_unstable();
    kinds
}

#[tokio::test]
async fn it_tells_the_shop_of_a_payment_with_a_signature_that_the_client_accepts() {
    let shop = Shop::open(0).await;
    let double = Double::start_with_webhooks(shop.url.clone()).await;
    let intent = pay(&double, "pm_card_visa").await;
    let events = shop.events(3).await;
    assert_eq!(kinds(&events), ["charge.succeeded", "payment_intent.created", "payment_intent.succeeded"]);
    assert!(events.iter().all(|event| event.intent_id.as_deref() == Some(&intent)), "{events:?}");
}

#[tokio::test]
async fn it_tells_the_shop_of_a_decline_a_cancellation_and_a_refund() {
    let shop = Shop::open(0).await;
    let double = Double::start_with_webhooks(shop.url.clone()).await;
    let declined = pay(&double, "pm_card_visa_chargeDeclined").await;
    double.payments.cancel_intent(&declined, soon()).await;
    let paid = pay(&double, "pm_card_visa").await;
    double.payments.refund(Uuid::now_v7(), &paid, "test", soon()).await;
    let events = shop.events(9).await;
    let expected = [
        "charge.failed",
        "charge.refunded",
        "charge.succeeded",
        "payment_intent.canceled",
        "payment_intent.created",
        "payment_intent.created",
        "payment_intent.payment_failed",
        "payment_intent.succeeded",
        "refund.created",
    ];
    assert_eq!(kinds(&events), expected);
}

#[tokio::test]
async fn it_delivers_again_until_the_shop_has_taken_it() {
    let shop = Shop::open(1).await;
    let double = Double::start_with_webhooks(shop.url.clone()).await;
    double.intent(Uuid::now_v7(), "pm_card_visa").await;
    assert_eq!(kinds(&shop.events(1).await), ["payment_intent.created"]);
}

#[tokio::test]
async fn it_delivers_late_twice_and_out_of_order_on_command() {
    let shop = Shop::open(0).await;
    let double = Double::start_with_webhooks(shop.url.clone()).await;
    double.control("PUT", "webhooks", json!({ "delay_ms": 1_000, "copies": 2, "shuffle": true })).await;
    for _payment in 0..20 {
        pay(&double, "pm_card_visa").await;
    }
    let events = shop.events(120).await;
    let twice = |event: &Event| events.iter().filter(|other| other.id == event.id).count() == 2;
    assert!(events.iter().all(twice));
    let succeeded_first = |event: &Event| {
        let position = |kind: &str| {
            events.iter().position(|other| other.kind == kind && other.intent_id == event.intent_id)
        };
        position("payment_intent.succeeded") < position("payment_intent.created")
    };
    assert!(events.iter().any(succeeded_first), "20 payments, and all of their events in order");
}

#[tokio::test]
async fn it_says_nothing_when_it_is_switched_off() {
    let shop = Shop::open(0).await;
    let double = Double::start_with_webhooks(shop.url.clone()).await;
    double.control("PUT", "webhooks", json!({ "enabled": false })).await;
    pay(&double, "pm_card_visa").await;
    double.control("PUT", "webhooks", json!({ "enabled": true })).await;
    let heard = pay(&double, "pm_card_visa").await;
    let events = shop.events(3).await;
    assert!(events.iter().all(|event| event.intent_id.as_deref() == Some(&heard)), "{events:?}");
}

#[tokio::test]
async fn it_tells_the_shop_only_what_its_endpoint_is_subscribed_to() {
    let shop = Shop::open(0).await;
    let double = Double::start_with_webhooks(shop.url.clone()).await;
    double.control("PUT", "webhooks", json!({ "enabled_events": ["payment_intent.succeeded"] })).await;
    let first = pay(&double, "pm_card_visa").await;
    double.control("PUT", "webhooks", json!({ "enabled_events": ["*"] })).await;
    let second = pay(&double, "pm_card_visa").await;
    let events = shop.events(4).await;
    let of = |intent: &str| events.iter().filter(|event| event.intent_id.as_deref() == Some(intent)).count();
    assert_eq!((of(&first), of(&second)), (1, 3), "{events:?}");
}
