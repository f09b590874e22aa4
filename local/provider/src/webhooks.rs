//! Webhooks: events on their way to the shop, signed, and as late, doubled and unordered as one asks for.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};
use shared::payments::{Secret, webhook};
use time::OffsetDateTime;
use tokio::time::sleep;

use super::effect::{new_id, now};

/// Stripe tries for three days; a local shop that is still down after 31 s is left to its sweeper.
const TRIES: u32 = 6;

/// How many deliveries are remembered.
const KEPT: usize = 20_000;

/// Where events go and what happens to them on the way. Changed with `PUT /_control/webhooks`; what is not named
/// stays.
#[derive(Clone, Debug, Serialize)]
pub struct Settings {
    /// The shop's endpoint; none: events are dropped.
    pub url: Option<String>,
    /// The endpoint's signing secret.
    #[serde(skip)]
    pub secret: Secret,
    /// Off: events are dropped, as if every delivery and every repetition had failed.
    pub enabled: bool,
    /// What the endpoint is subscribed to, by the events' types; `*` is all of them.
    pub enabled_events: Vec<String>,
    /// How late, milliseconds.
    pub delay_ms: u64,
    /// How often each event is delivered.
    pub copies: u32,
    /// Each delivery is late by a random part of `delay_ms`, so that they overtake one another.
    pub shuffle: bool,
}

impl Settings {
    /// To `url`, all events, at once, once, in order.
    #[must_use]
    pub fn new(url: Option<String>, secret: Secret) -> Self {
        let enabled_events = vec!["*".to_owned()];
        Self { url, secret, enabled: true, enabled_events, delay_ms: 0, copies: 1, shuffle: false }
    }

    fn wants(&self, kind: &str) -> bool {
        self.enabled_events.iter().any(|wanted| wanted == "*" || wanted == kind)
    }
}

/// A change of the [`Settings`]: what is not named stays as it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The shop's endpoint.
    pub url: Option<String>,
    /// The endpoint's signing secret.
    #[serde(default, serialize_with = "revealed")]
    pub secret: Option<Secret>,
    /// Whether events are sent.
    pub enabled: Option<bool>,
    /// What the endpoint is subscribed to.
    pub enabled_events: Option<Vec<String>>,
    /// How late, milliseconds.
    pub delay_ms: Option<u64>,
    /// How often each event is delivered.
    pub copies: Option<u32>,
    /// Whether deliveries overtake one another.
    pub shuffle: Option<bool>,
}

#[expect(clippy::ref_option, reason = "the signature that serde asks for")]
fn revealed<S: Serializer>(secret: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(Secret::reveal).serialize(serializer)
}

/// Something that happened.
#[derive(Clone, Debug)]
struct Event {
    id: String,
    kind: &'static str,
    object: Value,
    created: i64,
}

impl Event {
    fn new((kind, object): (&'static str, Value)) -> Self {
        Self { id: new_id("evt"), kind, object, created: now() }
    }

    fn body(&self) -> String {
        let Self { id, kind, object, created } = self;
        let data = json!({ "object": object });
        json!({ "id": id, "object": "event", "type": kind, "created": created, "livemode": false, "data": data }).to_string()
    }
}

/// One try to deliver one event.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Delivery {
    event: String,
    kind: &'static str,
    object: Value,
    copy: u32,
    attempt: u32,
    /// The shop's status; none where it was not reached.
    status: Option<u16>,
}

/// The sender.
#[derive(Debug)]
pub(super) struct Webhooks {
    client: reqwest::Client,
    settings: Mutex<Settings>,
    deliveries: Mutex<VecDeque<Delivery>>,
}

impl Webhooks {
    pub(super) fn new(settings: Settings) -> anyhow::Result<Arc<Self>> {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build()?;
        Ok(Arc::new(Self { client, settings: Mutex::new(settings), deliveries: Mutex::default() }))
    }

    pub(super) fn settings(&self) -> Settings {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn change(&self, change: Change) -> Settings {
        let mut settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        let old = settings.clone();
        *settings = Settings {
            url: change.url.or(old.url),
            secret: change.secret.unwrap_or(old.secret),
            enabled: change.enabled.unwrap_or(old.enabled),
            enabled_events: change.enabled_events.unwrap_or(old.enabled_events),
            delay_ms: change.delay_ms.unwrap_or(old.delay_ms),
            copies: change.copies.unwrap_or(old.copies),
            shuffle: change.shuffle.unwrap_or(old.shuffle),
        };
        settings.clone()
    }

    pub(super) fn deliveries(&self) -> Vec<Delivery> {
        self.deliveries.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Sends the events of one operation on their way, one after the other unless they are shuffled.
    pub(super) fn send(self: &Arc<Self>, events: Vec<(&'static str, Value)>) {
        let settings = self.settings();
        let events: Vec<_> =
            events.into_iter().filter(|(kind, _)| settings.wants(kind)).map(Event::new).collect();
        if !settings.enabled || settings.url.is_none() || events.is_empty() {
            return;
        }
        for copy in 1..=settings.copies {
            if settings.shuffle {
                for event in &events {
                    self.send_later(copy, vec![event.clone()], fastrand::u64(0..=settings.delay_ms));
                }
            } else {
                self.send_later(copy, events.clone(), settings.delay_ms);
            }
        }
    }

    fn send_later(self: &Arc<Self>, copy: u32, events: Vec<Event>, delay_ms: u64) {
        let webhooks = self.clone();
        tokio::spawn(async move {
            sleep(Duration::from_millis(delay_ms)).await;
            for event in events {
                webhooks.deliver(copy, &event).await;
            }
        });
    }

    /// Until the shop says 2xx. Settings are read anew for each try: switched off means off.
    async fn deliver(&self, copy: u32, event: &Event) {
        let body = event.body();
        for attempt in 1..=TRIES {
            let settings = self.settings();
            let Some(url) = settings.url.filter(|_| settings.enabled) else { return };
            let signature = webhook::sign(&settings.secret, body.as_bytes(), OffsetDateTime::now_utc());
            let request = self
                .client
                .post(url)
                .header("content-type", "application/json; charset=utf-8")
                .header(webhook::SIGNATURE_HEADER, signature)
                .body(body.clone());
            let status = request.send().await.ok().map(|response| response.status());
            self.record(Delivery {
                event: event.id.clone(),
                kind: event.kind,
                object: event.object["id"].clone(),
                copy,
                attempt,
                status: status.map(|status| status.as_u16()),
            });
            if status.is_some_and(|status| status.is_success()) {
                return;
            }
            sleep(Duration::from_secs(1 << (attempt - 1))).await;
        }
    }

    fn record(&self, delivery: Delivery) {
        let mut deliveries = self.deliveries.lock().unwrap_or_else(PoisonError::into_inner);
        if deliveries.len() == KEPT {
            deliveries.pop_front();
        }
        deliveries.push_back(delivery);
    }
}
