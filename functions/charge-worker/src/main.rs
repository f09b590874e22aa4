//! SQS: charges the orders that checkout deferred.
//!
//! A message only says which order to look at. The order itself knows whether there is anything to do, so a message
//! that is lost, doubled, late or a week old does no harm.

use std::time::Duration;

use futures::future::join_all;
use shared::app::App;
use shared::breaker::{Admission, Permit};
use shared::checkout::{self, Lease};
use shared::error::{Kind, Result, internal};
use shared::events::{self, SqsBatchResponse, SqsEvent, SqsMessage};
use shared::kill_point::KillPoint;
use shared::orders::{Nudge, OrderId};
use shared::payments::Payments;
use shared::telemetry;
use shared::time_limit::TimeLimit;
use shared::token_bucket::{Class, Turn};
use tokio::time::sleep;

/// Kept of the invocation for the call to the provider and the last write, while an order waits for its turn.
const CALL: Duration = Duration::from_secs(8);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), events::Fatal> {
    events::serve(charge_worker).await
}

async fn charge_worker(app: App, event: SqsEvent, limit: TimeLimit) -> Result<SqsBatchResponse> {
    let handled = join_all(event.records.iter().map(|message| handle(&app, message, limit))).await;
    KillPoint::AfterBatch.reached();
    // Where nothing at all can be charged, without the provider's key or without Postgres, that is a failure of the
    // function, which its alarm sees: Lambda counts none where messages come again.
    if !handled.is_empty() && handled.iter().all(|done| *done == Done::Fault) {
        return Err(internal("none of the orders could be charged"));
    }
    let mut response = SqsBatchResponse::default();
    for (message, done) in event.records.iter().zip(handled) {
        if done != Done::Yes {
            response.add_failure(message.message_id.clone().unwrap_or_default());
        }
    }
    Ok(response)
}

/// Whether a message is done with; if not, it comes again and ends in the dead-letter queue.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Done {
    Yes,
    /// It names no order, or somebody else took the order's lease.
    No,
    /// It would have gone well, and something of ours is broken or away.
    Fault,
}

/// Looks at the order that a message names, and says in the log what became of it.
async fn handle(app: &App, message: &SqsMessage, limit: TimeLimit) -> Done {
    let id = message.message_id.as_deref().unwrap_or_default();
    let Some(nudge) = Nudge::read(message.body.as_deref().unwrap_or_default()) else {
        tracing::error!(message_id = id, "message {id} names no order");
        return Done::No;
    };
    let order = nudge.order_id;
    // Of the request that sent the message: the worker's own trace is that of the whole batch.
    let trace_id = message.attributes.get("AWSTraceHeader").and_then(|header| telemetry::trace_id(header));
    let trace_id = trace_id.unwrap_or_default();
    match events::caught(Box::pin(charge(app, order, limit))).await {
        Ok(now) => {
            tracing::info!(%order, trace_id, now, "order {order} is {now}");
            Done::Yes
        }
        Err(error) => {
            let (cause, kind) = (error.cause().unwrap_or_default(), error.problem().kind());
            if kind == Kind::Internal {
                tracing::error!(%order, trace_id, cause, "order {order} was not charged: {cause}");
            } else {
                tracing::warn!(%order, trace_id, cause, "order {order} was not charged: {cause}");
            }
            if kind.status().is_server_error() { Done::Fault } else { Done::No }
        }
    }
}

/// How the order stands after this.
async fn charge(app: &App, order: OrderId, limit: TimeLimit) -> Result<&'static str> {
    let payments = app.charging.payments().await?;
    let permit = match app.redis.batch(app.charging.breaker.acquire()).await {
        Admission::Allow(permit) | Admission::Probe(permit) => permit,
        // Acknowledged all the same: waiting must not use up the message's receives. The sweeper nudges again.
        Admission::Deny { retry_after } => {
            return put_off(app, order, retry_after).await;
        }
    };
    match checkout::claim(&app.database, order, app.order_deadline).await {
        Ok(Some(lease)) => charge_in_turn(app, &payments, permit, lease, limit).await,
        // Finished, or in somebody else's hands.
        idle => {
            permit.close().await;
            idle.map(|_| "in other hands")
        }
    }
}

/// Charges the order when it is its turn, or puts it off.
async fn charge_in_turn(
    app: &App,
    payments: &Payments,
    permit: Permit,
    lease: Lease,
    limit: TimeLimit,
) -> Result<&'static str> {
    let advanced = match turn(app, &lease, limit).await {
        Turn::Granted(_) => checkout::advance(&app.database, payments, permit, lease, limit).await?,
        Turn::Refused { wait } => {
            permit.close().await;
            checkout::leave(&app.database, lease, wait).await?
        }
    };
    Ok(advanced.answer.status.as_str())
}

/// Waits for a token, as long as there is time: a queue is worked off at the rate that the provider takes, and not in
/// bursts between which it is put off.
async fn turn(app: &App, lease: &Lease, limit: TimeLimit) -> Turn {
    loop {
        let take = app.charging.tokens.take(lease.operation().as_str(), Class::Background);
        match app.redis.batch(take).await {
            Turn::Refused { wait } if limit.left() > CALL + 2 * wait => {
                // Not all at the same moment.
                sleep(wait.mul_f64(1.0 + fastrand::f64())).await;
            }
            turn => return turn,
        }
    }
}

/// While the provider is away, only an order that it never heard of can be ended.
async fn put_off(app: &App, order: OrderId, wait: Duration) -> Result<&'static str> {
    if !checkout::postpone(&app.database, order, wait, app.order_deadline).await? {
        return Ok("postponed");
    }
    match checkout::claim(&app.database, order, app.order_deadline).await? {
        Some(lease) => Ok(checkout::leave(&app.database, lease, wait).await?.answer.status.as_str()),
        None => Ok("in other hands"),
    }
}
