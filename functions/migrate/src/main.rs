//! Invoked by each deployment before any other function changes, and by hand: brings the schema up to date.
//!
//! | event | answer |
//! |---|---|
//! | `{}` | the migrations that ran |
//! | `{"dry_run": true}` | those that would run; nothing is changed |
//! | of CloudFormation | as [`cloudformation`] says, at the address that the event names |
//!
//! It connects straight to Postgres as the schema's owner, and reads its settings when it is invoked and not when it
//! starts: a wrong one must be answered too, or CloudFormation waits for an hour.

mod cloudformation;
mod work;

use std::time::Duration;

use lambda_runtime::Diagnostic;
use serde::Deserialize;
use serde_json::Value;
use shared::time_limit::TimeLimit;
use shared::{events, runtime_api, telemetry};

use work::{Failure, Settings};

/// Kept of the invocation for answering CloudFormation, three tries included.
const RESERVE: Duration = Duration::from_secs(45);

/// Where there is no deadline, as under cargo-lambda: the time-out in template.yaml less the reserve.
const CEILING: Duration = Duration::from_secs(900 - 45);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), runtime_api::Fatal> {
    telemetry::init();
    runtime_api::serve(|event: Value, context| async move {
        let limit = TimeLimit::of_long_invocation(Some(context.deadline), CEILING, RESERVE);
        let work = async {
            let done = invoke(Settings::from_env().await, event, limit).await;
            done.inspect_err(|error| tracing::error!(cause = %error, "failed: {error}"))
        };
        events::recorded(&context, work).await.map_err(Diagnostic::from)
    })
    .await
}

/// What a person sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByHand {
    #[serde(default)]
    dry_run: bool,
}

async fn invoke(
    settings: Result<Settings, Failure>,
    event: Value,
    limit: TimeLimit,
) -> Result<Value, Failure> {
    if cloudformation::Request::is_in(&event) {
        let request = cloudformation::Request::from_event(event)?;
        return request.serve(settings, limit).await;
    }
    let ByHand { dry_run } = serde_json::from_value(event).map_err(|error| format!("the event: {error}"))?;
    let settings = settings?;
    let migrations = if dry_run { settings.pending().await? } else { settings.migrate(limit).await? };
    Ok(serde_json::json!({ "dry_run": dry_run, "migrations": migrations }))
}

#[cfg(test)]
mod tests;
