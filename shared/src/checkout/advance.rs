//! The one way forward for an order: ask the provider, and write down what it says.
//!
//! Checkout, the worker and the cancellation all come here with a lease; what is to be done follows from the state the
//! order was leased in.

use super::provider::Provider;
use super::settle::settle;
use super::{Advanced, Lease};
use crate::breaker::Permit;
use crate::database::Database;
use crate::error::Result;
use crate::kill_point::KillPoint;
use crate::orders::OrderStatus;
use crate::payments::Payments;
use crate::time_limit::TimeLimit;

/// Brings a leased order one step forward, tells the breaker how the provider did, and writes down the result.
///
/// # Errors
/// Only if the database fails or the lease was lost. The lease then runs out, and the sweeper finds the order.
pub async fn advance(
    database: &Database,
    payments: &Payments,
    permit: Permit,
    mut lease: Lease,
    limit: TimeLimit,
) -> Result<Advanced> {
    let mut provider = Provider::new(database, payments, permit, limit);
    let step = match lease.status {
        OrderStatus::Paid if let Some(refund) = lease.pending_refund() => {
            provider.give_back(&lease, refund).await
        }
        OrderStatus::Cancelling => Ok(provider.cancel(&mut lease).await),
        OrderStatus::Charging | OrderStatus::Deferred | OrderStatus::ActionRequired if lease.overdue => {
            Ok(provider.give_up(&mut lease).await)
        }
        OrderStatus::ActionRequired => Ok(provider.look(&lease).await),
        OrderStatus::RefundPending => Ok(provider.refund(&lease).await),
        // Finished, and yet the provider says that something happened.
        OrderStatus::Failed | OrderStatus::Cancelled => Ok(provider.check_unwanted(&lease).await),
        OrderStatus::Paid | OrderStatus::Refunded => Ok(provider.follow(&lease).await),
        OrderStatus::Charging | OrderStatus::Deferred => provider.charge(&mut lease).await,
    };
    let waits_for = provider.report().await;
    KillPoint::AfterReport.reached();
    let mut advanced = settle(database, &lease, step?).await?;
    if advanced.answer.status == OrderStatus::Deferred {
        advanced.answer.charge.waits_for = waits_for;
    }
    Ok(advanced)
}
