//! What checkout answers about an order.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{OrderId, OrderStatus};

/// The state of an order and its charge, as checkout's callers see it. The first one given is kept with the order, so
/// that a repeated request gets the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The order.
    pub order_id: OrderId,
    /// Where it stands.
    pub status: OrderStatus,
    /// Its charge.
    pub charge: ChargeSummary,
    /// When it is given up unless it is paid: it is not charged after this.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub deadline: Option<OffsetDateTime>,
}

/// A charge as callers see it.
#[derive(Clone, Default, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChargeSummary {
    /// The provider's id of it, or `pending`; or `none`.
    pub id: String,
    /// `succeeded`, `failed`, `requires_action`, `processing`; `deferred`: it will be made later; `not_needed`: the
    /// order costs nothing.
    pub status: String,
    /// Why it was declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decline_code: Option<String>,
    /// What the customer's browser needs to authenticate the payment. Never stored: it belongs to one answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// How much of it went back, in minor units of the order's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunded: Option<i64>,
    /// The customer has disputed it with the bank.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disputed: bool,
}

impl Answer {
    /// The answer for an order that stands like this, with what is known of its charge.
    pub fn new(order_id: OrderId, status: OrderStatus, charge: Option<(String, String)>) -> Self {
        let (id, charge_status) =
            charge.unwrap_or_else(|| ("pending".to_owned(), pending(status).to_owned()));
        let charge = ChargeSummary { id, status: charge_status, ..ChargeSummary::default() };
        Self { order_id, status, charge, deadline: None }
    }

    /// The same for an order that is given up at this time.
    #[must_use]
    pub fn until(self, deadline: Option<OffsetDateTime>) -> Self {
        Self { deadline, ..self }
    }

    /// The answer for an order that costs nothing.
    pub fn free(order_id: OrderId) -> Self {
        Self::new(order_id, OrderStatus::Paid, Some(("none".to_owned(), "not_needed".to_owned())))
    }

    /// The HTTP status: 201 for a paid order, 402 for a declined one, 202 for one that is not finished.
    pub fn http_status(&self) -> u16 {
        match self.status {
            OrderStatus::Paid | OrderStatus::RefundPending | OrderStatus::Refunded => 201,
            OrderStatus::Failed => 402,
            _ => 202,
        }
    }
}

/// The charge's status where the provider has given none yet.
fn pending(status: OrderStatus) -> &'static str {
    match status {
        OrderStatus::Pending | OrderStatus::Deferred => "deferred",
        OrderStatus::Charging => "processing",
        OrderStatus::ActionRequired => "requires_action",
        OrderStatus::Failed => "failed",
        OrderStatus::Cancelling | OrderStatus::Cancelled => "cancelled",
        OrderStatus::Paid | OrderStatus::RefundPending | OrderStatus::Refunded => "succeeded",
    }
}
