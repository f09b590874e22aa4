//! Orders that only a person can help.

use super::OrderId;
use crate::telemetry::{self, Counter};

/// Says in the log which order needs a person, and why, and has an alarm go off.
pub fn call_operator(order: OrderId, why: &str) {
    telemetry::count(Counter::OperatorNeeded);
    tracing::error!(%order, "order {order} needs an operator: {why}");
}
