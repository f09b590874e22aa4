//! Writing down how a step ended.

use std::time::Duration;

use sqlx::FromRow;

use super::{Answer, Lease, OrderId, OrderStatus};
use crate::{
    database::{Database, Statement},
    error::{Result, internal},
};

static SETTLE: Statement = Statement::new("orders.settle", include_str!("settle.sql"));

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The money is ours.
    Paid {
        /// The provider's id of the charge.
        charge_id: String,
    },
    /// No money moved, and none will.
    Failed {
        /// Why: the bank's or the provider's code.
        decline_code: String,
        /// The failed charge, if there was one.
        charge_id: Option<String>,
    },
    /// The customer has to authenticate the payment.
    ActionRequired {
        /// What the customer's browser needs for it.
        client_secret: Option<String>,
    },
    /// Cancelled at the provider.
    Cancelled,
    /// Nothing is under way; to be tried again after a while.
    Deferred(Duration),
    /// Something is, or may be, under way; to be looked at after a while.
    Unknown(Duration),
}

/// How long a customer may take to authenticate.
const ACTION: Duration = Duration::from_secs(15 * 60);

impl Step {
    fn status(&self) -> OrderStatus {
        match self {
            Self::Paid { .. } => OrderStatus::Paid,
            Self::Failed { .. } => OrderStatus::Failed,
            Self::ActionRequired { .. } => OrderStatus::ActionRequired,
            Self::Cancelled => OrderStatus::Cancelled,
            Self::Deferred(_) => OrderStatus::Deferred,
            Self::Unknown(_) => OrderStatus::Charging,
        }
    }

    /// When somebody has to look again; `None` if the order is finished.
    fn next_attempt(&self) -> Option<Duration> {
        match self {
            Self::Paid { .. } | Self::Failed { .. } | Self::Cancelled => None,
            Self::ActionRequired { .. } => Some(ACTION),
            Self::Deferred(wait) | Self::Unknown(wait) => Some(*wait),
        }
    }

    fn charge(&self) -> (Option<&str>, Option<&'static str>, Option<&str>) {
        match self {
            Self::Paid { charge_id } => (Some(charge_id), Some("succeeded"), None),
            Self::Failed { decline_code, charge_id } => (charge_id.as_deref(), Some("failed"), Some(decline_code)),
            Self::ActionRequired { .. } => (None, Some("requires_action"), None),
            Self::Cancelled | Self::Deferred(_) | Self::Unknown(_) => (None, None, None),
        }
    }

    fn answer(&self, order: OrderId) -> Answer {
        let (id, status, decline_code) = self.charge();
        let charge = id.zip(status).map(|(id, status)| (id.to_owned(), status.to_owned()));
        let mut answer = Answer::new(order, self.status(), charge);
        answer.charge.decline_code = decline_code.map(str::to_owned);
        answer
    }
}

#[derive(FromRow)]
struct Settled {
    #[expect(dead_code, reason = "whether there is a row is what counts")]
    id: OrderId,
}

/// Writes down how a step ended and gives the lease back; the answer is for whoever asked for the step.
///
/// Compare-and-set: if the lease was lost to somebody else meanwhile, nothing is written, and the answer says that the
/// order is still being charged. Whoever took it over asks the provider under the same keys and so learns the same.
pub async fn settle(database: &Database, lease: Lease, step: Step) -> Result<Answer> {
    let answer = step.answer(lease.order);
    let (charge_id, charge_status, decline_code) = step.charge();
    let seconds = step.next_attempt().map(|wait| i32::try_from(wait.as_secs().max(1)).unwrap_or(i32::MAX));
    let query = SETTLE
        .bind(lease.order)
        .bind(lease.owner())
        .bind(step.status().as_str())
        .bind(serde_json::to_value(&answer).map_err(internal)?)
        .bind(seconds)
        .bind(charge_id)
        .bind(charge_status)
        .bind(decline_code);
    let settled: Option<Settled> = database.fetch_optional(query).await?;
    if settled.is_none() {
        return Ok(Answer::new(lease.order, OrderStatus::Charging, None));
    }
    let client_secret = match step {
        Step::ActionRequired { client_secret } => client_secret,
        _ => None,
    };
    Ok(Answer { charge: super::answer::ChargeSummary { client_secret, ..answer.charge }, ..answer })
}
