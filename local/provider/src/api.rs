//! The way of a request: seen, struck by a fault or not, answered by its key or by the operation.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use time::OffsetDateTime;
use tokio::time::sleep;

use super::call::Call;
use super::effect::{Effect, new_id};
use super::error::ApiError;
use super::faults::{Fault, Kind};
use super::ledger::{Fact, Kept};
use super::operations::{self, Operation};
use super::provider::Provider;
use super::requests::{Seen, milliseconds};
use super::server;

/// An answer, not yet on its way.
#[derive(Clone, Debug)]
struct Answer {
    status: u16,
    body: Value,
    replayed: bool,
    should_retry: Option<bool>,
    retry_after: Option<u64>,
}

/// How a request ends for the caller.
enum End {
    Answer(Answer),
    Garbled,
    Cut,
    Silence,
}

/// Every request under `/v1`.
pub(super) async fn handle(
    State(provider): State<Arc<Provider>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (begin, at) = (Instant::now(), OffsetDateTime::now_utc());
    let call = Call::read(&provider, method, &uri, &headers, &body);
    let fault = call.operation.and_then(|operation| provider.faults.strike(operation));
    let end = end(&provider, &call, fault.as_ref()).await;
    provider.requests.record(Seen {
        at,
        method: call.method.to_string(),
        parameters: call.form.canonical(),
        path: call.path,
        operation: call.operation,
        key: call.key,
        version: call.version,
        fault: fault.map(|fault| fault.kind),
        answer: end.name(),
        replayed: matches!(&end, End::Answer(answer) if answer.replayed),
        took_ms: milliseconds(begin.elapsed()),
    });
    end.respond().await
}

async fn end(provider: &Arc<Provider>, call: &Call, fault: Option<&Fault>) -> End {
    let Some(fault) = fault else { return End::Answer(perform(provider.clone(), call.clone(), None).await) };
    if matches!(fault.kind, Kind::Drop | Kind::Hang | Kind::RateLimit | Kind::Fail | Kind::Refuse) {
        sleep(Duration::from_millis(fault.delay_ms)).await;
    }
    match fault.kind {
        Kind::Drop => return End::Cut,
        Kind::Hang => return End::Silence,
        Kind::RateLimit => return End::Answer(Answer::fault(fault, &ApiError::rate_limited())),
        Kind::Refuse => return End::Answer(Answer::refusal(fault)),
        Kind::Fail => return End::Answer(Answer::fault(fault, &ApiError::broken(fault.status()))),
        _ => {}
    }
    if fault.kind == Kind::ActTwice {
        perform(provider.clone(), call.clone(), None).await;
    }
    // On a task of its own: a caller that hangs up does not stop what it has begun, here no more than at Stripe.
    let performed = tokio::spawn(perform(provider.clone(), call.clone(), Some(fault.clone()))).await;
    let answer = performed.unwrap_or_else(|_| Answer::from(ApiError::broken(500)));
    match fault.kind {
        Kind::ActThenDrop => End::Cut,
        Kind::ActThenHang => End::Silence,
        Kind::ActThenFail => End::Answer(Answer::fault(fault, &ApiError::broken(fault.status()))),
        Kind::ActThenRefuse => End::Answer(Answer::refusal(fault)),
        Kind::ActThenGarble => End::Garbled,
        _ => End::Answer(answer),
    }
}

/// Does what is asked, unless its key has an answer already.
async fn perform(provider: Arc<Provider>, call: Call, fault: Option<Fault>) -> Answer {
    if !call.authorised {
        return ApiError::unauthorised().into();
    }
    let Some(operation) = call.operation else {
        return ApiError::no_such_url(call.method.as_str(), &call.path).into();
    };
    let name = |kind: &str, value: &str| format!("{kind} {value}");
    let held_key = match &call.key {
        None => None,
        Some(key) => match provider.running.hold(name("key", key)) {
            None => return Answer { should_retry: Some(true), ..ApiError::key_in_use().into() },
            held => held,
        },
    };
    if let Some(answer) = call.key.as_ref().and_then(|key| replay(&provider, &call, key)) {
        return answer;
    }
    let held_intent = match operation {
        Operation::Confirm | Operation::Cancel => match provider.running.hold(name("intent", &call.id)) {
            None => return Answer { should_retry: Some(true), ..ApiError::locked().into() },
            held => held,
        },
        _ => None,
    };
    if let Some(fault) = &fault {
        sleep(Duration::from_millis(fault.delay_ms)).await;
    }
    let (answer, events) = act(&provider, &call, operation, fault.as_ref());
    drop((held_key, held_intent));
    provider.webhooks.send(events);
    answer
}

/// The key's first answer, or the error for one that was used for something else.
fn replay(provider: &Provider, call: &Call, key: &str) -> Option<Answer> {
    let ledger = provider.ledger.lock().unwrap_or_else(PoisonError::into_inner);
    let kept = ledger.state.keys.get(key)?;
    if kept.request != call.fingerprint() {
        return Some(ApiError::key_reused().into());
    }
    let should_retry = (kept.status >= 500).then_some(false);
    Some(Answer { replayed: true, should_retry, ..Answer::new(kept.status, kept.body.clone()) })
}

/// The operation, its facts and its key's answer: committed together or not at all.
fn act(
    provider: &Provider,
    call: &Call,
    operation: Operation,
    fault: Option<&Fault>,
) -> (Answer, Vec<(&'static str, Value)>) {
    let mut ledger = provider.ledger.lock().unwrap_or_else(PoisonError::into_inner);
    let broken = |status| (status, ApiError::broken(status).body());
    let effect = match fault {
        Some(fault) if fault.kind == Kind::FailForEver => {
            let (status, body) = broken(fault.status());
            Effect { facts: Vec::new(), status, body, events: Vec::new() }
        }
        _ => match operations::run(&ledger.state, operation, &call.id, &call.form) {
            Ok(effect) => effect,
            Err(error) => return (error.into(), Vec::new()),
        },
    };
    let Effect { mut facts, mut status, mut body, events } = effect;
    if let Some(fault) = fault.filter(|fault| fault.kind == Kind::ActThenFailForEver) {
        (status, body) = broken(fault.status());
    }
    if let Some(key) = &call.key {
        let kept = Kept { request: call.fingerprint(), status, body: body.clone() };
        facts.push(Fact::Key { key: key.clone(), kept });
    }
    match ledger.commit(facts) {
        Ok(()) => (Answer::new(status, body), events),
        Err(_) => (ApiError::broken(500).into(), Vec::new()),
    }
}

impl Answer {
    fn new(status: u16, body: Value) -> Self {
        Self { status, body, replayed: false, should_retry: None, retry_after: None }
    }

    fn fault(fault: &Fault, error: &ApiError) -> Self {
        let Fault { should_retry, retry_after, .. } = *fault;
        Self { should_retry, retry_after, ..Self::new(error.status, error.body()) }
    }

    fn refusal(fault: &Fault) -> Self {
        Self::new(fault.status(), fault.body.clone())
    }
}

impl From<ApiError> for Answer {
    fn from(error: ApiError) -> Self {
        Self::new(error.status, error.body())
    }
}

impl End {
    fn name(&self) -> String {
        match self {
            Self::Answer(answer) => answer.status.to_string(),
            Self::Garbled => "garbled".to_owned(),
            Self::Cut => "cut".to_owned(),
            Self::Silence => "silence".to_owned(),
        }
    }

    async fn respond(self) -> Response {
        match self {
            Self::Answer(answer) => answer.into_response(),
            Self::Garbled => "<html>200 but not from the provider</html>".into_response(),
            Self::Cut => server::cut(),
            // Until the caller hangs up, which drops this future.
            Self::Silence => std::future::pending().await,
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::builder()
            .status(StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
            .header("content-type", "application/json")
            .header("request-id", new_id("req"));
        if self.replayed {
            response = response.header("idempotent-replayed", "true");
        }
        if let Some(should_retry) = self.should_retry {
            response = response.header("stripe-should-retry", should_retry.to_string());
        }
        if let Some(seconds) = self.retry_after {
            response = response.header("retry-after", seconds);
        }
        if self.status == StatusCode::TOO_MANY_REQUESTS.as_u16() {
            response = response.header("stripe-rate-limited-reason", "endpoint-rate");
        }
        let text = self.body.as_str().map_or_else(|| self.body.to_string(), str::to_owned);
        response.body(Body::from(text)).unwrap_or_default()
    }
}
