//! What logs and metrics are told: one event for each outcome, with names that stay.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use shared::breaker::{Admission, Breaker, Outcome, Settings};
use shared::cache::{Cache, Entry, Region};
use shared::rate_limit::{Identity, Limiter, Policy};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::server::{Server, nowhere};

type Fields = BTreeMap<&'static str, String>;

/// Collects the events of the mechanisms.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<Fields>>>);

impl Events {
    /// The events with this message since the last time, as `field=value` words.
    fn take(&self, message: &str) -> Vec<String> {
        let mut events = self.0.lock().expect("the list");
        let chosen: Vec<Fields> = events.extract_if(.., |fields| fields["message"] == message).collect();
        let words = |fields: &Fields| {
            let words = fields.iter().filter(|(name, _)| **name != "message");
            words.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
        };
        chosen.iter().map(words).collect()
    }
}

impl<S: Subscriber> Layer<S> for Events {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target().starts_with("shared::") {
            let mut fields = Collected(Fields::new());
            event.record(&mut fields);
            self.0.lock().expect("the list").push(fields.0);
        }
    }
}

struct Collected(Fields);

impl Visit for Collected {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

/// For as long as the guard lives, in this thread.
fn listen() -> (Events, tracing::subscriber::DefaultGuard) {
    let events = Events::default();
    let subscriber = tracing_subscriber::registry().with(events.clone());
    (events, tracing::subscriber::set_default(subscriber))
}

#[tokio::test]
async fn each_cache_read_has_one_outcome() {
    let (events, _guard) = listen();
    let (server, away) = (Server::start(), nowhere());
    for redis in [server.client(), server.client(), away] {
        let cache = Cache::new(Region::new("product"), redis.clone());
        let looked_up = redis.batch(cache.lookup("1")).await;
        let entry = Entry { body: "{}".into(), version: 1 };
        looked_up.or_fill(async || Ok::<_, ()>(Some(entry))).await.expect("a value");
    }
    let reads = ["filled", "hit", "degraded"].map(|outcome| format!("outcome={outcome} region=product"));
    assert_eq!(events.take("cache read"), reads);
    let failed = events.take("redis batch").into_iter().filter(|event| event.contains("outcome=failed"));
    assert_eq!(failed.count(), 1);
}

#[tokio::test]
async fn each_check_of_the_limiter_has_one_outcome() {
    let (events, _guard) = listen();
    let (server, limiter, policy) = (Server::start(), Limiter::default(), Policy::per_minute("one", 1));
    let redis = server.client();
    for redis in [&redis, &redis, &nowhere()] {
        let _ = redis.batch(limiter.check(&Identity::user("ann"), &[policy])).await;
    }
    let expected = [
        "degraded=false outcome=allowed violated=",
        "degraded=false outcome=rejected violated=one",
        "degraded=true outcome=rejected violated=one",
    ];
    assert_eq!(events.take("rate limit"), expected);
}

#[tokio::test]
async fn each_call_behind_a_breaker_has_an_admission_and_an_effect() {
    let (events, _guard) = listen();
    let server = Server::start();
    for redis in [server.client(), nowhere()] {
        let breaker = Breaker::new("payments", Settings::DEFAULT, redis.clone(), "a");
        for outcome in [Outcome::Ok, Outcome::Failed, Outcome::Slow, Outcome::Failed] {
            let (Admission::Allow(permit) | Admission::Probe(permit)) = redis.batch(breaker.acquire()).await
            else {
                panic!("denied")
            };
            permit.report(outcome).await;
        }
        assert!(matches!(redis.batch(breaker.acquire()).await, Admission::Deny { .. }));
    }
    let acquired = |degraded| {
        ["allow", "allow", "allow", "allow", "deny"]
            .map(|outcome| format!("breaker=payments degraded={degraded} outcome={outcome}"))
    };
    assert_eq!(events.take("breaker acquire"), [acquired(false), acquired(true)].concat());
    let reported = |degraded| {
        [("not_needed", "ok"), ("counted", "failed"), ("counted", "slow"), ("opened", "failed")].map(
            |(effect, outcome)| {
                let degraded = degraded && effect != "not_needed";
                format!("breaker=payments degraded={degraded} effect={effect} outcome={outcome}")
            },
        )
    };
    assert_eq!(events.take("breaker report"), [reported(false), reported(true)].concat());
}
