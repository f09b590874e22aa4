//! From an event to a response, whatever happens on the way.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use http::{HeaderName, HeaderValue, header};
use lambda_http::Context;

use super::answer::Answer;
use super::{Endpoint, Event, Request, Response, response};
use crate::app::App;
use crate::caught::caught;
use crate::error::{Error, Result, unavailable};
use crate::rate_limit::Verdict;
use crate::runtime_api;
pub use crate::runtime_api::Fatal;
use crate::telemetry::{self, Outcome, Record};
use crate::time_limit::TimeLimit;

/// What a caller waits whose request was given up.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// A handler whose type is the same for every function: what serves it is compiled once, with this crate, and not again
/// in each function.
type Handler = Arc<dyn Fn(App, Request) -> BoxFuture<'static, Result<Response>> + Send + Sync>;

/// Serves `endpoint` with `handler` until the environment ends.
///
/// # Errors
/// When a setting is missing or cannot be read, before the first event is taken.
pub async fn serve<H, F>(endpoint: Endpoint, handler: H) -> Result<(), Fatal>
where
    H: Fn(App, Request) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Response>> + Send + 'static,
{
    run(endpoint, Arc::new(move |app, request| Box::pin(handler(app, request)))).await
}

/// Boxed, because a crate leaves the body of an `async fn` to whoever awaits it.
fn run(endpoint: Endpoint, handler: Handler) -> BoxFuture<'static, Result<(), Fatal>> {
    Box::pin(async move {
        telemetry::init();
        let app = App::from_env()?;
        runtime_api::serve(move |event: Event, context| {
            let (app, handler) = (app.clone(), Arc::clone(&handler));
            async move { Ok(Answer(respond(app, endpoint, handler, event, context).await)) }
        })
        .await
    })
}

/// Answers one event. It cannot fail: on AWS a failed invocation becomes the gateway's own 500 without problem details,
/// and locally its message leaks.
async fn respond(app: App, endpoint: Endpoint, handler: Handler, event: Event, context: Context) -> Response {
    let request_id = request_id(&event, &context);
    let time_limit = TimeLimit::of_invocation(Some(context.deadline));
    let record = Record::begin(&request_id, context.xray_trace_id);
    let answered = async {
        let request = Request::new(app.clone(), endpoint, event, time_limit).await;
        answer(app, endpoint, handler, request, context.deadline, &request_id).await
    };
    let response = record.observe(answered).await;
    let (status, failed) = (response.status(), response::hidden(&response).is_some());
    record.write(&Outcome {
        route: endpoint.route(),
        // Alarms count classes, and a failure is one whatever the caller's protocol calls it.
        class: if failed { "5xx" } else { class(status) },
        status: Some(status.as_u16()),
        words: &format!("answered {}{}", status.as_u16(), if failed { ", and failed" } else { "" }),
    });
    response
}

async fn answer(
    app: App,
    endpoint: Endpoint,
    handler: Handler,
    request: Request,
    deadline: u64,
    request_id: &str,
) -> Response {
    let (admission, head) = (request.admission(), request.is_head());

    let last_moment = app.last_moment.clone();
    let handled = last_moment.limit(deadline, caught(handler(app, request))).await;
    let in_time = handled.is_some();
    let mut result = handled.unwrap_or_else(|| {
        Err(unavailable(AGAIN_AFTER).caused_by("no answer by the end of the invocation's time"))
    });
    // A request that was refused before its handler asked the limiter counts like any other.
    if in_time && result.is_err() && admission.verdict().is_none() {
        result = admission.ask(()).await.0.and(result);
    }

    let mut response = result.unwrap_or_else(|error| {
        log_failure(endpoint, &error);
        response::problem(error.problem(), request_id)
    });
    if let Some(failure) = response::hidden(&response) {
        log_failure(endpoint, failure);
    }
    if let Some(verdict) = admission.verdict() {
        add_limit_headers(&mut response, verdict);
    }
    add_header(&mut response, HeaderName::from_static("x-request-id"), request_id.to_owned());
    if head {
        // Answered like GET, and then told without the body, whatever the gateway would make of one.
        response.body_mut().clear();
    }
    response
}

fn class(status: http::StatusCode) -> &'static str {
    match status.as_u16() {
        ..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}

/// The id under which both the caller and the log know this request: the gateway's, else the invocation's.
fn request_id(event: &Event, context: &Context) -> String {
    event.request_id().unwrap_or(&context.request_id).to_owned()
}

/// Logged once, here: what we did wrong as errors, what the world did to us as warnings, what callers did not at all.
fn log_failure(endpoint: Endpoint, error: &Error) {
    let (route, status) = (endpoint.route(), error.problem().kind().status());
    let cause = error.cause().unwrap_or_default();
    if status == http::StatusCode::SERVICE_UNAVAILABLE {
        tracing::warn!(route, cause, "{route} is unavailable: {cause}");
    } else if status.is_server_error() {
        tracing::error!(route, cause, "{route} failed: {cause}");
    }
}

fn add_limit_headers(response: &mut Response, verdict: &Verdict) {
    for (name, value) in verdict.headers() {
        // A problem's own Retry-After is the same wait, already rounded up.
        if name != header::RETRY_AFTER.as_str() {
            add_header(response, HeaderName::from_static(name), value);
        }
    }
}

fn add_header(response: &mut Response, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
}
