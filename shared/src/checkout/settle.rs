//! Writing down how a step ended.

use std::time::Duration;

use time::OffsetDateTime;

use super::Lease;
use super::refund_state::RefundState;
use crate::database::{Database, Statement};
use crate::error::{Result, internal};
use crate::kill_point::KillPoint;
use crate::orders::life::{Due, Event};
use crate::orders::{self, Answer, ClientSecret, OrderId, OrderStatus};
use crate::time_limit::whole_seconds;

static SETTLE: Statement = Statement::new("checkout.settle", include_str!("settle.sql")).stored();

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The money is ours.
    Paid {
        /// The provider's id of the charge.
        charge_id: String,
        /// Whether the charge shows that some of it went back since: then that is looked at at once.
        given_back: bool,
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
        client_secret: Option<ClientSecret>,
    },
    /// Nothing is under way; to be tried again after a while.
    Deferred(Duration),
    /// The same, and the order is as if its provider had never been asked: nothing has left us.
    Unsent(Duration),
    /// The outcome is not known: the order stays as it is, to be looked at again after a while.
    Unknown(Duration),
    /// Cancelled at the provider: it can never be charged.
    Cancelled,
    /// Charged although it is not wanted: the money has to go back.
    RefundPending {
        /// The charge that should not be.
        charge_id: String,
    },
    /// The money went back.
    Refunded {
        /// The provider's id of the refund.
        refund_id: Option<String>,
    },
    /// Paid, and so much of it was given back since, by whomever.
    GivenBack {
        /// How much in all.
        refunded: i64,
        /// What this makes of the order.
        status: OrderStatus,
        /// Refunds that did not arrive: the provider's ids, and ours.
        failed: Vec<String>,
    },
    /// So much is given back in all, with the refund that an administrator wanted.
    PartRefunded {
        /// How much in all.
        refunded: i64,
        /// Whether this is all of it.
        whole: bool,
        /// Whether the charge shows less, and is looked at once more.
        doubted: bool,
        /// The provider's id of the refund.
        refund_id: String,
    },
    /// The provider would not make the refund that an administrator wanted.
    RefundRefused {
        /// Whether the provider may know more of the order than we do, and is asked once more.
        doubted: bool,
    },
    /// Nothing to be done.
    Unchanged,
}

/// How long a customer may take to authenticate.
const ACTION: Duration = Duration::from_mins(15);

fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

impl Step {
    /// What it is in the life of an order.
    fn event(&self) -> Event {
        match self {
            Self::Paid { .. } => Event::Charged,
            Self::Failed { .. } => Event::Declined,
            Self::ActionRequired { .. } => Event::AuthenticationAsked,
            Self::Deferred(_) | Self::Unsent(_) => Event::PutOff,
            Self::Cancelled => Event::Cancelled,
            Self::RefundPending { .. } => Event::Unwanted,
            Self::Refunded { .. }
            | Self::PartRefunded { whole: true, .. }
            | Self::GivenBack { status: OrderStatus::Refunded, .. } => Event::Refunded,
            Self::GivenBack { status: OrderStatus::RefundPending, .. } => Event::RefundFailed,
            Self::GivenBack { .. }
            | Self::PartRefunded { .. }
            | Self::RefundRefused { .. }
            | Self::Unknown(_)
            | Self::Unchanged => Event::NothingNew,
        }
    }

    /// Itself, unless it cannot happen to an order that stands like this: then the order stays as it is, for a person
    /// to look at.
    fn possible(self, lease: &Lease) -> Self {
        let event = self.event();
        if lease.status.step(event).is_some() {
            return self;
        }
        orders::call_operator(
            lease.order,
            &format!("{event:?} cannot happen to one that is {}", lease.status),
        );
        Self::Unknown(lease.wait_for_operator())
    }

    fn status(&self, before: OrderStatus) -> OrderStatus {
        before.step(self.event()).map_or(before, |next| next.status)
    }

    /// When an order that stands like this is given up. Looking again gives nobody more time.
    fn deadline(&self, lease: &Lease) -> Option<OffsetDateTime> {
        match self.status(lease.status) {
            OrderStatus::Charging | OrderStatus::Deferred => Some(lease.deadline),
            // On a whole second: it is told now, and later as the database has it, which knows no nanoseconds.
            OrderStatus::ActionRequired => Some(lease.deadline.min(now().truncate_to_second() + ACTION)),
            _ => None,
        }
    }

    /// When somebody has to look again; `None` if the order is finished. Not after the deadline, until that has come
    /// and what there is to do about it was tried: then the order waits like any other.
    fn due_in(&self, lease: &Lease) -> Option<Duration> {
        let left = |deadline: OffsetDateTime| Duration::try_from(deadline - now()).unwrap_or_default();
        let is_tried = |left: Duration| lease.overdue && left.is_zero();
        let wait = match lease.status.step(self.event())?.due {
            Due::Never => None,
            Due::Now => Some(Duration::ZERO),
            Due::AfterWait => self.wait(lease),
        }?;
        let left = self.deadline(lease).map(left).filter(|left| !is_tried(*left));
        Some(left.map_or(wait, |left| wait.min(left)))
    }

    fn wait(&self, lease: &Lease) -> Option<Duration> {
        match self {
            Self::ActionRequired { .. } => Some(ACTION),
            Self::Deferred(wait) | Self::Unsent(wait) | Self::Unknown(wait) => Some(*wait),
            Self::GivenBack { status: OrderStatus::RefundPending, .. } => Some(lease.wait_for_operator()),
            // What the provider knew better is looked at by whoever comes next.
            Self::Paid { given_back: true, .. }
            | Self::RefundRefused { doubted: true }
            | Self::PartRefunded { doubted: true, .. } => Some(Duration::ZERO),
            _ => None,
        }
    }

    /// What is known of the charge now: id, status, decline code.
    fn charge(&self) -> (Option<&str>, Option<&'static str>, Option<&str>) {
        match self {
            Self::Paid { charge_id, .. } | Self::RefundPending { charge_id } => {
                (Some(charge_id), Some("succeeded"), None)
            }
            Self::Failed { decline_code, charge_id } => {
                (charge_id.as_deref(), Some("failed"), Some(decline_code))
            }
            Self::ActionRequired { .. } => (None, Some("requires_action"), None),
            Self::Refunded { .. }
            | Self::PartRefunded { whole: true, .. }
            | Self::GivenBack { status: OrderStatus::Refunded, .. } => (None, Some("refunded"), None),
            Self::GivenBack { status: OrderStatus::RefundPending, .. } => (None, Some("refund_failed"), None),
            Self::GivenBack { .. } | Self::PartRefunded { .. } => (None, Some("succeeded"), None),
            Self::Deferred(_)
            | Self::Unsent(_)
            | Self::Unknown(_)
            | Self::Cancelled
            | Self::RefundRefused { .. }
            | Self::Unchanged => (None, None, None),
        }
    }

    /// How much of the charge went back, where the step has learnt it.
    fn refunded(&self, lease: &Lease) -> Option<i64> {
        match self {
            Self::Refunded { .. } => Some(lease.amount),
            Self::GivenBack { refunded, .. } | Self::PartRefunded { refunded, .. } => Some(*refunded),
            _ => None,
        }
    }

    /// How the refund ended that an administrator wanted.
    fn refund(&self) -> Option<RefundState> {
        match self {
            Self::PartRefunded { .. } => Some(RefundState::Succeeded),
            Self::RefundRefused { .. } => Some(RefundState::Failed),
            _ => None,
        }
    }

    fn answer(&self, lease: &Lease) -> Answer {
        let (id, status, decline_code) = self.charge();
        let charge = id.zip(status).map(|(id, status)| (id.to_owned(), status.to_owned()));
        let mut answer = Answer::new(lease.order, self.status(lease.status), lease.total(), charge)
            .until(self.deadline(lease));
        answer.charge.decline_code = decline_code.map(str::to_owned);
        answer
    }
}

/// How an order stands after a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advanced {
    /// For whoever asked for the step.
    pub answer: Answer,
    /// When somebody has to look at the order again; `None` if it is finished, or in somebody else's hands.
    pub due_in: Option<Duration>,
    /// How the refund ended that an administrator wanted; `None` if it has not.
    pub refund: Option<RefundState>,
}

/// Writes down how a step ended and gives the lease back.
///
/// Compare-and-set: if the lease was lost to somebody else meanwhile, nothing is written, and the answer says how the
/// order stood when we took it. Whoever took it over asks the provider under the same keys and so learns the same.
pub(super) async fn settle(database: &Database, lease: &Lease, step: Step) -> Result<Advanced> {
    let step = step.possible(lease);
    let mut answer = step.answer(lease);
    let due_in = step.due_in(lease);
    let (charge_id, charge_status, decline_code) = step.charge();
    let seconds = due_in.map(whole_seconds);
    let client_secret =
        if let Step::ActionRequired { client_secret } = &step { client_secret.clone() } else { None };
    let refund_id = match &step {
        Step::Refunded { refund_id } => refund_id.as_deref(),
        Step::PartRefunded { refund_id, .. } => Some(refund_id.as_str()),
        _ => None,
    };
    let failed = if let Step::GivenBack { failed, .. } = &step { failed.as_slice() } else { &[] };
    let refund = step.refund();
    let query = SETTLE
        .bind(lease.order)
        .bind(lease.owner)
        .bind(lease.status.as_str())
        .bind(answer.status.as_str())
        .bind(serde_json::to_value(&answer).map_err(internal)?)
        .bind(seconds)
        .bind(charge_id)
        .bind(charge_status)
        .bind(decline_code)
        .bind(refund_id)
        .bind(answer.deadline)
        .bind(step.refunded(lease))
        .bind(lease.pending_refund().map(|refund| refund.id))
        .bind(refund.map(RefundState::as_str))
        .bind(client_secret.as_ref().map(ClientSecret::reveal))
        .bind(lease.intent_id.as_deref())
        .bind(matches!(step, Step::Unsent(_)))
        .bind(failed);
    let settled: Option<(OrderId,)> = database.fetch_optional(query).await?;
    KillPoint::AfterSettle.reached();
    if settled.is_none() {
        let answer = Answer::new(lease.order, lease.status, lease.total(), None);
        return Ok(Advanced { answer, due_in: None, refund: None });
    }
    // Not before: of the stored answer it would be left when the order no longer waits for its customer.
    answer.charge.client_secret = client_secret;
    Ok(Advanced { answer, due_in, refund })
}

/// Gives the lease back without the provider. An order that is to end, and that the provider never heard of, ends; any
/// other is due after `wait`.
pub async fn leave(database: &Database, lease: Lease, wait: Duration) -> Result<Advanced> {
    let ends = lease.overdue || lease.status == OrderStatus::Cancelling;
    // Whoever asks the provider to charge writes that down before.
    let step = match lease.status {
        _ if ends && lease.attempt == 0 => Step::Cancelled,
        // It was taken to be charged, and nobody is at work on that any more.
        OrderStatus::Charging => Step::Deferred(wait),
        _ => Step::Unknown(wait),
    };
    settle(database, &lease, step).await
}
