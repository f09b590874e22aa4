//! Serving a Lambda function that SQS, a schedule or a person invokes.

use std::sync::Arc;

pub use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use lambda_runtime::{Context, Diagnostic};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::app::App;
pub use crate::caught::caught;
use crate::error::{Error, Result, internal};
use crate::runtime_api;
pub use crate::runtime_api::Fatal;
use crate::telemetry::{self, Outcome, Record};
use crate::time_limit::TimeLimit;

/// Serves events with `handler` until the environment ends.
///
/// A failed event fails the invocation: SQS and schedules then try again, and the function's error metric counts it.
///
/// # Errors
/// When a setting is missing or cannot be read, before the first event is taken.
pub async fn serve<E, R, H, F>(handler: H) -> Result<(), Fatal>
where
    E: DeserializeOwned + Send + 'static,
    R: Serialize + Send + 'static,
    H: Fn(App, E, TimeLimit) -> F + Send + Sync + 'static,
    F: Future<Output = Result<R>> + Send,
{
    serve_within(TimeLimit::of_invocation, handler).await
}

/// The same with a time limit of one's own, from Lambda's deadline (milliseconds since 1970).
///
/// # Errors
/// As for [`serve`].
pub async fn serve_within<E, R, H, F>(limit: fn(Option<u64>) -> TimeLimit, handler: H) -> Result<(), Fatal>
where
    E: DeserializeOwned + Send + 'static,
    R: Serialize + Send + 'static,
    H: Fn(App, E, TimeLimit) -> F + Send + Sync + 'static,
    F: Future<Output = Result<R>> + Send,
{
    telemetry::init();
    let app = App::from_env()?;
    let handler = Arc::new(handler);
    runtime_api::serve(move |event: E, context| {
        let (app, handler) = (app.clone(), Arc::clone(&handler));
        async move {
            let limit = limit(Some(context.deadline));
            let last_moment = app.last_moment.clone();
            // Boxed: the compiler gives up on types as deep as these.
            let work = Box::pin(caught(handler(app, event, limit)));
            let work = async {
                let ended = last_moment.limit(context.deadline, work).await;
                ended
                    .unwrap_or_else(|| Err(internal("it did not end by the end of the invocation's time")))
                    .inspect_err(log_failure)
            };
            recorded(&context, work).await.map_err(|error| failed(&error))
        }
    })
    .await
}

/// Does an invocation's work, and writes its line: for functions that do without an [`App`] and so without [`serve`].
pub async fn recorded<T, E>(context: &Context, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let record = Record::begin(&context.request_id, context.xray_trace_id.clone());
    let result = record.observe(work).await;
    let (class, words) = if result.is_ok() { ("ok", "returned") } else { ("failed", "failed") };
    record.write(&Outcome { route: &context.env_config.function_name, class, status: None, words });
    result
}

/// Nobody reads what Lambda is told of an event that SQS or a schedule has sent.
fn log_failure(error: &Error) {
    let cause = error.cause().unwrap_or_default();
    tracing::error!(cause, "the event failed: {cause}");
}

/// A failed event, as Lambda reports it. Only operators read that, so here the cause may show.
fn failed(error: &Error) -> Diagnostic {
    let kind = error.problem().kind();
    Diagnostic { error_type: format!("{kind:?}"), error_message: error.cause().unwrap_or_default() }
}
