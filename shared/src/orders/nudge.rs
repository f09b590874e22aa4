//! Queue messages about orders. A nudge says which order to look at, and nothing else in it is believed.

use std::time::Duration;

use serde::Deserialize;

use super::OrderId;
use crate::aws::queue::Queue;
use crate::error::{Result, internal};
use crate::kill_point::KillPoint;

/// A message: look at this order.
#[derive(Debug, Deserialize)]
pub struct Nudge {
    /// The order to look at.
    pub order_id: OrderId,
}

impl Nudge {
    /// The message's body.
    pub fn body(&self) -> String {
        format!(r#"{{"order_id":"{}"}}"#, self.order_id)
    }

    /// Reads a message's body; `None` if it is not a nudge.
    pub fn read(body: &str) -> Option<Self> {
        serde_json::from_str(body).ok()
    }
}

/// Has somebody look at an order after `wait`. Whether the message is sent is nobody's concern but the log's: the order
/// is due in the database, and without a nudge the sweeper finds it there.
pub async fn nudge(queue: Result<&Queue>, order_id: OrderId, wait: Duration) {
    let sent = match queue {
        Ok(queue) => queue.send(Nudge { order_id }.body(), wait).await.map_err(internal),
        Err(error) => Err(error),
    };
    if let Err(error) = sent {
        let cause = error.cause().unwrap_or_default();
        tracing::warn!(%order_id, cause, "no nudge was sent, the sweeper will find the order: {cause}");
    }
    KillPoint::AfterNudge.reached();
}
