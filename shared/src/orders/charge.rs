//! The charge of an order, as its customer sees it.

use std::fmt;

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::OrderStatus;

/// What lets a browser authenticate, and so complete, one payment. For the order's customer alone: its `Debug` does not
/// show it, and it has no `Display`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct ClientSecret(String);

impl ClientSecret {
    /// As the provider said it.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// For the customer's browser, or the order's row.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ClientSecret(…)")
    }
}

/// What a charge waits for that is made later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitsFor {
    /// The provider is away, or seems to be.
    Provider,
    /// The provider takes no more calls at the moment.
    ProvidersLimit,
}

/// A charge as callers see it.
#[derive(Clone, Default, Debug, PartialEq, Eq, Serialize)]
pub struct ChargeSummary {
    /// The provider's id of it, or `pending`; or `none`.
    pub id: String,
    /// `succeeded`, `failed`, `requires_action`, `processing`; `deferred`: it will be made later; `not_needed`: the
    /// order costs nothing.
    pub status: String,
    /// Why it was declined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decline_code: Option<String>,
    /// What the customer's browser needs to authenticate the payment, while the order waits for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<ClientSecret>,
    /// What it waited for when it was put off, in the answer to the request that placed the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<WaitsFor>,
    /// How much of it went back, in minor units of the order's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refunded: Option<i64>,
    /// The customer has disputed it with the bank.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub disputed: bool,
}

impl ChargeSummary {
    /// The charge of an order that stands like this; `known`: the provider's id and status of it, if there are any.
    pub fn of(order: OrderStatus, known: Option<(String, String)>) -> Self {
        let (id, status) = known.unwrap_or_else(|| ("pending".to_owned(), pending(order).to_owned()));
        Self { id, status, ..Self::default() }
    }
}

/// The charge's status where the provider has given none yet.
fn pending(order: OrderStatus) -> &'static str {
    match order {
        OrderStatus::Deferred => "deferred",
        OrderStatus::Charging => "processing",
        OrderStatus::ActionRequired => "requires_action",
        OrderStatus::Failed => "failed",
        OrderStatus::Cancelling | OrderStatus::Cancelled => "cancelled",
        OrderStatus::Paid | OrderStatus::RefundPending | OrderStatus::Refunded => "succeeded",
    }
}

/// What the database holds of a charge.
#[derive(Debug, FromRow, Deserialize)]
pub(crate) struct StoredCharge {
    charge_id: Option<String>,
    charge_status: Option<String>,
    decline_code: Option<String>,
    refunded: i64,
    disputed: bool,
    client_secret: Option<ClientSecret>,
}

impl StoredCharge {
    /// To the customer of an order that stands like this.
    pub(crate) fn shown(self, order: OrderStatus) -> ChargeSummary {
        ChargeSummary {
            decline_code: self.decline_code,
            client_secret: self.client_secret,
            refunded: (self.refunded > 0).then_some(self.refunded),
            disputed: self.disputed,
            ..ChargeSummary::of(order, self.charge_id.zip(self.charge_status))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_secret_goes_to_its_customer_and_into_no_log() {
        let secret = Some(ClientSecret::new("pi_1_secret_hidden"));
        let charge = ChargeSummary { client_secret: secret, ..ChargeSummary::default() };
        assert!(!format!("{charge:?}").contains("hidden"), "{charge:?}");
        assert!(serde_json::to_string(&charge).expect("writes").contains("pi_1_secret_hidden"));
    }
}
