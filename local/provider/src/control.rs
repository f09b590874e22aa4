//! The other side of the counter: `/_control`, for tests, for chaos and for people with `curl`.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::charging;
use super::effect::Effect;
use super::faults::Fault;
use super::ledger::Fact;
use super::provider::Provider;
use super::webhooks::Change;

/// `GET /_control`: what there is.
const HELP: &str = include_str!("control.txt");

/// No fault takes the provider away for longer.
const LONGEST_REFUSAL_MS: u64 = 60_000;

pub(super) fn routes() -> Router<Arc<Provider>> {
    Router::new()
        .route("/_control", get(HELP))
        .route("/_control/ledger", get(ledger))
        .route("/_control/requests", get(requests).delete(forget_requests))
        .route("/_control/faults", get(faults).post(add_fault).delete(end_faults))
        .route("/_control/running", get(running))
        .route("/_control/refuse", post(refuse))
        .route("/_control/keys", delete(prune_keys))
        .route("/_control/day", post(pass_day))
        .route("/_control/intents", delete(forget_intents))
        .route("/_control/intents/{id}/settle", post(settle))
        .route("/_control/webhooks", get(webhooks).put(change_webhooks))
}

async fn ledger(State(provider): State<Arc<Provider>>) -> Json<Value> {
    Json(provider.ledger.lock().unwrap_or_else(PoisonError::into_inner).state.audit())
}

async fn requests(State(provider): State<Arc<Provider>>) -> Response {
    Json(provider.requests.all()).into_response()
}

async fn forget_requests(State(provider): State<Arc<Provider>>) -> StatusCode {
    provider.requests.clear();
    StatusCode::NO_CONTENT
}

async fn faults(State(provider): State<Arc<Provider>>) -> Response {
    Json(provider.faults.waiting()).into_response()
}

async fn add_fault(State(provider): State<Arc<Provider>>, body: Bytes) -> Result<StatusCode, BadOrder> {
    let fault: Fault = read(&body)?;
    fault.check().map_err(|problem| BadOrder(problem.to_owned()))?;
    provider.faults.add(fault);
    Ok(StatusCode::NO_CONTENT)
}

async fn end_faults(State(provider): State<Arc<Provider>>) -> Json<Value> {
    Json(json!({ "struck": provider.faults.clear() }))
}

async fn running(State(provider): State<Arc<Provider>>) -> Response {
    Json(provider.running.names()).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refuse {
    for_ms: u64,
}

async fn refuse(State(provider): State<Arc<Provider>>, body: Bytes) -> Result<StatusCode, BadOrder> {
    let Refuse { for_ms } = read(&body)?;
    if !(1..=LONGEST_REFUSAL_MS).contains(&for_ms) {
        return Err(BadOrder(format!("`for_ms` must be 1 to {LONGEST_REFUSAL_MS}")));
    }
    provider.refusals.begin(Duration::from_millis(for_ms)).await;
    Ok(StatusCode::NO_CONTENT)
}

async fn prune_keys(State(provider): State<Arc<Provider>>) -> StatusCode {
    forget(&provider, Fact::KeysPruned)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Day {
    orders: Vec<String>,
}

async fn pass_day(State(provider): State<Arc<Provider>>, body: Bytes) -> Result<StatusCode, BadOrder> {
    let Day { orders } = read(&body)?;
    Ok(forget(&provider, Fact::DayPassed { orders }))
}

async fn forget_intents(State(provider): State<Arc<Provider>>) -> StatusCode {
    forget(&provider, Fact::IntentsForgotten)
}

fn forget(provider: &Provider, what: Fact) -> StatusCode {
    let mut ledger = provider.ledger.lock().unwrap_or_else(PoisonError::into_inner);
    match ledger.commit(vec![what]) {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::INSUFFICIENT_STORAGE,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settle {
    succeeds: bool,
}

async fn settle(
    State(provider): State<Arc<Provider>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, BadOrder> {
    let Settle { succeeds } = read(&body)?;
    let mut ledger = provider.ledger.lock().unwrap_or_else(PoisonError::into_inner);
    let effect = charging::settle(&ledger.state, &id, succeeds);
    let Effect { facts, body, events, .. } = effect.map_err(|error| BadOrder(error.body().to_string()))?;
    ledger.commit(facts).map_err(|error| BadOrder(error.to_string()))?;
    drop(ledger);
    provider.webhooks.send(events);
    Ok(Json(body))
}

async fn webhooks(State(provider): State<Arc<Provider>>) -> Json<Value> {
    Json(json!({ "settings": provider.webhooks.settings(), "deliveries": provider.webhooks.deliveries() }))
}

async fn change_webhooks(State(provider): State<Arc<Provider>>, body: Bytes) -> Result<Response, BadOrder> {
    let change: Change = read(&body)?;
    Ok(Json(provider.webhooks.change(change)).into_response())
}

/// What was wrong with the order, in words.
struct BadOrder(String);

impl IntoResponse for BadOrder {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, self.0 + "\n").into_response()
    }
}

/// JSON, whatever the content type says: `curl -d` says it is a form.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, BadOrder> {
    serde_json::from_slice(body).map_err(|error| BadOrder(format!("{error}; see GET /_control")))
}
