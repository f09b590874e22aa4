//! Serving a Lambda function that SQS, a schedule or a person invokes.

use std::{fmt, sync::Arc};

pub use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use lambda_runtime::{LambdaEvent, service_fn};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    app::App,
    error::{Error, Result},
    telemetry,
    time_limit::TimeLimit,
};

/// Why a function could not start.
pub type Fatal = lambda_runtime::Error;

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
    telemetry::init();
    let app = App::from_env()?;
    let handler = Arc::new(handler);
    lambda_runtime::run_concurrent(service_fn(move |event: LambdaEvent<E>| {
        let (app, handler) = (app.clone(), Arc::clone(&handler));
        async move {
            let limit = TimeLimit::of_invocation(Some(event.context.deadline));
            handler(app, event.payload, limit).await.map_err(Failed)
        }
    }))
    .await
}

/// A failed event. Nobody outside reads this, so here the cause may show.
struct Failed(Error);

impl fmt::Display for Failed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.0.problem().kind();
        write!(formatter, "{kind:?}: {}", self.0.cause().unwrap_or_default())
    }
}

impl fmt::Debug for Failed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl std::error::Error for Failed {}
