//! What checkout and a cancellation answer about an order.

use serde::Serialize;
use time::OffsetDateTime;

use super::{ChargeSummary, OrderId, OrderStatus};
use crate::catalog::Money;

/// Where an order and its charge stand, as checkout's callers see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The order.
    pub order_id: OrderId,
    /// Where it stands.
    pub status: OrderStatus,
    /// What it costs in all.
    pub total: Money,
    /// Its charge.
    pub charge: ChargeSummary,
    /// When it is given up unless it is paid: it is not charged after this.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub deadline: Option<OffsetDateTime>,
    /// Whether it was paid, whatever has come after that. What was charged although nobody wanted it any more was not.
    #[serde(skip)]
    pub was_paid: bool,
}

impl Answer {
    /// The answer for an order that stands like this, with what is known of its charge.
    pub fn new(
        order_id: OrderId,
        status: OrderStatus,
        total: Money,
        charge: Option<(String, String)>,
    ) -> Self {
        Self {
            order_id,
            status,
            total,
            charge: ChargeSummary::of(status, charge),
            deadline: None,
            was_paid: status == OrderStatus::Paid,
        }
    }

    /// The same for an order that is given up at this time.
    #[must_use]
    pub fn until(self, deadline: Option<OffsetDateTime>) -> Self {
        Self { deadline, ..self }
    }

    /// The answer for an order that costs nothing.
    pub fn free(order_id: OrderId, total: Money) -> Self {
        let charge = ("none".to_owned(), "not_needed".to_owned());
        Self::new(order_id, OrderStatus::Paid, total, Some(charge))
    }
}
