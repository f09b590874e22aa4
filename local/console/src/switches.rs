//! What can be taken away or made worse, what that does, and how all of it comes back.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use cloud::lifecycle;
use cloud::service::Service;
use provider::{Fault, Kind, Operation};
use shared::breaker::Forced;

use crate::desk::{Desk, Inner, Sorry};
use crate::pulled::{Order, Provider};

/// Redis is left alone for up to four and a half seconds after it was away.
const HEARD_WITHIN: Duration = Duration::from_secs(10);

/// The services that can be taken away.
pub(crate) const SERVICES: [Service; 5] =
    [Service::Payments, Service::Redis, Service::Sqs, Service::Pgbouncer, Service::Postgres];

/// A switch and what it is set to.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case", tag = "switch", deny_unknown_fields)]
pub(crate) enum Switch {
    Service { service: Name, on: bool },
    Provider { mode: Provider },
    Breaker { order: Order },
    Visitors { number: u64 },
    Callers { number: u64 },
}

/// A service that can be taken away.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Name {
    Payments,
    Redis,
    Sqs,
    Pgbouncer,
    Postgres,
}

impl Name {
    fn service(self) -> Service {
        match self {
            Self::Payments => Service::Payments,
            Self::Redis => Service::Redis,
            Self::Sqs => Service::Sqs,
            Self::Pgbouncer => Service::Pgbouncer,
            Self::Postgres => Service::Postgres,
        }
    }

    fn without(self) -> &'static str {
        match self {
            Self::Payments => {
                "The payment provider is away. Orders are placed all the same; after three failures the breaker opens, and they \
                 are charged later."
            }
            Self::Redis => {
                "Redis is away. Reads go to Postgres, shared by the readers of an environment; limits and breaker are each \
                 environment's own."
            }
            Self::Sqs => {
                "SQS is away. Orders that wait are found by the sweeper, which comes every minute: the row is the truth."
            }
            Self::Pgbouncer => {
                "PgBouncer is away. What is cached goes on being served; everything else answers 503 in time."
            }
            Self::Postgres => {
                "Postgres is away. What is cached goes on being served; everything else answers 503 in time."
            }
        }
    }
}

/// `POST /switch`: sets one, and says what that did.
pub(crate) async fn pull(State(desk): State<Desk>, Json(order): Json<Switch>) -> Result<Json<Value>, Sorry> {
    let said = match order {
        Switch::Service { service, on: false } => take_away(&desk, service).await?,
        Switch::Service { service, on: true } => give_back(&desk, service).await?,
        Switch::Provider { mode } => provider(&desk, mode).await?,
        Switch::Breaker { order } => breaker(&desk, order).await?,
        Switch::Visitors { number } => desk.visitors.set(Some(number), None)?,
        Switch::Callers { number } => desk.visitors.set(None, Some(number))?,
    };
    Ok(Json(json!({ "said": said })))
}

async fn take_away(desk: &Desk, name: Name) -> Result<String> {
    let service = name.service();
    // Noted first: what is being taken away when the page closes has to come back too.
    desk.pulled().note_away(service);
    lifecycle::stop(&desk.cloud.folder, service).await?;
    Ok(name.without().to_owned())
}

async fn give_back(desk: &Desk, name: Name) -> Result<String> {
    let service = name.service();
    bring(desk, service).await?;
    order_again(desk, service)
        .await
        .with_context(|| format!("{} is back, and has forgotten what it was ordered", service.name()))?;
    Ok(format!("{} is back.", service.name()))
}

/// The provider and Redis keep nothing when they are away, and the page says of both what was ordered.
async fn order_again(desk: &Inner, service: Service) -> Result<()> {
    let (ordered, mode) = desk.pulled().orders();
    match service {
        Service::Payments if mode != Provider::Healthy => set_provider(desk, mode).await,
        Service::Redis if ordered != Order::Auto => {
            let began = Instant::now();
            // Redis was away, and is left alone for a few seconds more by whoever has noticed that.
            while let Err(unheard) = force_breaker(desk, ordered).await {
                if began.elapsed() > HEARD_WITHIN {
                    return Err(unheard);
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

async fn bring(desk: &Inner, service: Service) -> Result<()> {
    lifecycle::start(&desk.cloud.folder, service).await?;
    desk.pulled().note_back(service);
    Ok(())
}

/// Has the provider do so.
async fn set_provider(desk: &Inner, mode: Provider) -> Result<()> {
    let faults = match mode {
        Provider::Healthy => Vec::new(),
        Provider::Slow => vec![Fault { delay_ms: 3_000, ..Fault::lasting(Kind::Delay) }],
        Provider::Failing => vec![Fault::lasting(Kind::Fail)],
        // Whoever looks for a payment has no card to be declined.
        Provider::Declining => [Operation::Create, Operation::Confirm]
            .map(|operation| Fault { operation: Some(operation), ..declines() })
            .to_vec(),
    };
    desk.provider.end_faults().await?;
    for fault in &faults {
        desk.provider.fault(fault).await?;
    }
    Ok(())
}

async fn provider(desk: &Inner, mode: Provider) -> Result<String> {
    set_provider(desk, mode).await?;
    let mut pulled = desk.pulled();
    for mode in [Provider::Slow, Provider::Failing, Provider::Declining] {
        pulled.end(provider_name(mode));
    }
    if mode != Provider::Healthy {
        pulled.begin(provider_name(mode).to_owned());
    }
    pulled.provider = mode;
    let said = match mode {
        Provider::Healthy => "The payment provider does well.",
        Provider::Slow => {
            "Each call to the payment provider takes three seconds longer. Slow counts, too: the breaker opens."
        }
        Provider::Failing => "Each call to the payment provider ends in 500. After three the breaker opens.",
        Provider::Declining => {
            "Every card is declined. That is the customers' matter: the breaker stays closed."
        }
    };
    Ok(said.to_owned())
}

fn provider_name(mode: Provider) -> &'static str {
    match mode {
        Provider::Healthy => "provider healthy",
        Provider::Slow => "provider slow",
        Provider::Failing => "provider failing",
        Provider::Declining => "cards declined",
    }
}

/// Every card, as long as it is ordered.
fn declines() -> Fault {
    let body = json!({ "error": {
        "type": "card_error", "code": "card_declined", "decline_code": "generic_decline",
        "message": "Your card was declined.",
    }});
    Fault { status: Some(402), body, ..Fault::lasting(Kind::Refuse) }
}

async fn breaker(desk: &Inner, order: Order) -> Result<String> {
    force_breaker(desk, order).await?;
    desk.pulled().breaker = order;
    let said = match order {
        Order::Auto => "The breaker decides by itself again.",
        Order::Open => "The breaker is forced open: no call passes, and orders wait.",
        Order::Closed => "The breaker is forced closed: every call passes, whatever comes of it.",
    };
    Ok(said.to_owned())
}

async fn force_breaker(desk: &Inner, order: Order) -> Result<()> {
    let forced = match order {
        Order::Auto => Forced::Auto,
        Order::Open => Forced::Open,
        Order::Closed => Forced::Closed,
    };
    let obeyed = desk.redis.batch(desk.breaker.force(forced)).await;
    ensure!(obeyed, "Redis did not get the order");
    Ok(())
}

/// `POST /back`: everything as it was.
pub(crate) async fn back(State(desk): State<Desk>) -> Result<Json<Value>, Sorry> {
    all_back(&desk).await?;
    Ok(Json(json!({ "said": "Everything is as it was." })))
}

/// Puts everything back that was pulled. All of it is tried; the first failure is told.
pub(crate) async fn all_back(desk: &Desk) -> Result<()> {
    desk.visitors.set(Some(0), Some(0))?;
    let mut outcome = Ok(());
    let away = desk.pulled().away.clone();
    // In the order in which they are started: each stands on those before it.
    for service in Service::all().filter(|service| away.contains(service)) {
        outcome = outcome.and(bring(desk, service).await);
    }
    let (ordered, mode) = desk.pulled().orders();
    if mode != Provider::Healthy {
        outcome = outcome.and(provider(desk, Provider::Healthy).await.map(drop));
    }
    if ordered != Order::Auto {
        outcome = outcome.and(breaker(desk, Order::Auto).await.map(drop));
    }
    outcome
}

/// The same as the console itself is being ended, perhaps with everything else: nothing is waited for.
pub(crate) async fn leave(desk: &Desk) {
    let away = std::mem::take(&mut desk.pulled().away);
    if !away.is_empty() {
        lifecycle::bring_back(&desk.cloud.folder, away);
    }
    all_back(desk).await.ok();
}

/// `POST /authenticate`: what a customer and the bank do in the provider's own window.
pub(crate) async fn authenticate(
    State(desk): State<Desk>,
    Json(order): Json<Authenticate>,
) -> Result<(), Sorry> {
    let intent = order.client_secret.split("_secret_").next().unwrap_or_default();
    if !intent.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(Sorry::bad("that is not a client secret"));
    }
    Ok(desk.provider.settle(intent, order.succeeds).await?)
}

#[derive(Deserialize)]
pub(crate) struct Authenticate {
    client_secret: String,
    succeeds: bool,
}
