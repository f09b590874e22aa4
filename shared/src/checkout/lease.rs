//! Leases: who may bring an order forward, one at a time and only for a while.

use std::time::Duration;

use sqlx::FromRow;
use time::OffsetDateTime;
use uuid::Uuid;

use super::idempotency::in_progress;
use crate::catalog::{Currency, Money};
use crate::database::{Database, Query, Statement, Timestamp};
use crate::error::Result;
use crate::kill_point::KillPoint;
use crate::orders::{OrderId, OrderStatus};
use crate::payments::{self, Operation};
use crate::time_limit::whole_seconds;

static CLAIM: Statement = Statement::new("checkout.claim", include_str!("claim.sql")).stored();
static CANCEL: Statement = Statement::new("checkout.cancel", include_str!("cancel.sql")).stored();
static POSTPONE: Statement = Statement::new("checkout.postpone", include_str!("postpone.sql"));
static ATTEMPT: Statement = Statement::new("checkout.attempt", include_str!("attempt.sql"));
static REFUND_ATTEMPT: Statement =
    Statement::new("checkout.refund_attempt", include_str!("refund_attempt.sql"));

/// Longer than any healthy invocation (the time limit's ceiling is 20 s). A process that stood still may outlive it,
/// and then writes nothing: every write is conditional on the lease.
pub(super) const LEASE: Duration = Duration::from_secs(SECONDS as u64);
pub(super) const SECONDS: i32 = 30;

/// When to try again what an operator may be about to mend, and what none has mended for hours.
const OPERATOR: Duration = Duration::from_mins(5);
const SELDOM: Duration = Duration::from_hours(1);

/// The right to bring one order forward, and what is needed for it.
#[derive(Debug, FromRow)]
pub struct Lease {
    /// The order.
    #[sqlx(rename = "id")]
    pub order: OrderId,
    #[sqlx(skip)]
    pub(super) owner: Uuid,
    /// As we took it.
    #[sqlx(try_from = "String")]
    pub(super) status: OrderStatus,
    /// When it is given up.
    #[sqlx(try_from = "Timestamp")]
    pub(super) deadline: OffsetDateTime,
    /// Whether it is too late to go on with it.
    pub(super) overdue: bool,
    #[sqlx(rename = "total")]
    pub(super) amount: i64,
    #[sqlx(try_from = "String")]
    pub(super) currency: Currency,
    pub(super) payment_method: String,
    pub(super) intent_id: Option<String>,
    /// The charge, once it is known: of an order that is paid, the one that succeeded, or the intent's id where the
    /// provider has not shown it.
    charge_id: Option<String>,
    /// How often the provider was asked to charge it, under a key each; 0: nothing was ever sent.
    pub(super) attempt: i32,
    /// For how many seconds it has waited in this state; negative while it waits for its customer.
    pub(super) waited: i64,
    #[sqlx(flatten)]
    pub(super) key: Key,
    /// How much of it went back, as far as we know.
    pub(super) refunded: i64,
    /// How much of that went another way than through the provider.
    pub(super) otherwise: i64,
    /// A refund did not arrive: giving the money back is an operator's matter.
    pub(super) refund_failed: bool,
    #[sqlx(flatten)]
    pending: Pending,
}

/// What is known of the key that it is charged under.
#[derive(Debug, Default, FromRow)]
pub(super) struct Key {
    /// When it was used first, in seconds since 1970.
    #[sqlx(rename = "asked_at")]
    pub(super) used_at: Option<i64>,
    /// Whether the first use is ours: nobody else can have sent it.
    #[sqlx(skip)]
    pub(super) is_ours: bool,
    /// Nobody who sent it can be at work any more, or shall send it again.
    #[sqlx(rename = "key_is_old")]
    pub(super) is_old: bool,
    /// The provider keeps it for at least 24 h and may then forget it; asked again it would act again.
    #[sqlx(rename = "key_may_be_forgotten")]
    pub(super) may_be_forgotten: bool,
}

impl Key {
    /// One that is about to be used first.
    fn new() -> Self {
        let used_at = Some(OffsetDateTime::now_utc().unix_timestamp());
        Self { used_at, is_ours: true, ..Self::default() }
    }
}

/// The columns of a refund that an administrator wants.
#[derive(Debug, Default, FromRow)]
struct Pending {
    #[sqlx(rename = "pending_refund")]
    refund: Option<Uuid>,
    #[sqlx(rename = "pending_amount")]
    amount: Option<i64>,
    #[sqlx(rename = "pending_attempt")]
    attempt: Option<i32>,
    #[sqlx(rename = "pending_since")]
    begun_at: Option<i64>,
    #[sqlx(rename = "pending_before")]
    begun_before: bool,
}

/// A refund that is to be brought to its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct PendingRefund {
    pub(super) id: Uuid,
    pub(super) amount: i64,
    /// How many of its keys were spent.
    pub(super) attempt: i32,
    /// When it was begun, in seconds since 1970.
    pub(super) begun_at: i64,
    /// The provider may have made it already.
    pub(super) begun_before: bool,
}

impl Lease {
    pub(super) fn of_new_order(
        order: OrderId,
        owner: Uuid,
        total: Money,
        payment_method: String,
        deadline: OffsetDateTime,
    ) -> Self {
        Self {
            order,
            owner,
            status: OrderStatus::Charging,
            deadline,
            overdue: false,
            amount: total.amount,
            currency: total.currency,
            payment_method,
            intent_id: None,
            charge_id: None,
            // Stored with the order, so that it costs no statement of its own.
            attempt: 1,
            key: Key::new(),
            waited: 0,
            refunded: 0,
            otherwise: 0,
            refund_failed: false,
            pending: Pending::default(),
        }
    }

    /// The order's charge, where the provider has ever shown it.
    pub(super) fn charge_id(&self) -> Option<&str> {
        self.charge_id.as_deref().filter(|id| Some(*id) != self.intent_id.as_deref())
    }

    /// How much of the charge is still ours, as far as we know.
    pub(super) fn unrefunded(&self) -> i64 {
        self.amount - self.refunded
    }

    /// What the order's next step asks of the provider.
    #[must_use]
    pub fn operation(&self) -> Operation {
        match self.status {
            OrderStatus::Paid if self.pending.refund.is_some() => Operation::Refund,
            OrderStatus::RefundPending => Operation::Refund,
            OrderStatus::Cancelling => Operation::Cancel,
            OrderStatus::Charging | OrderStatus::Deferred | OrderStatus::ActionRequired if self.overdue => {
                Operation::Cancel
            }
            OrderStatus::Charging | OrderStatus::Deferred if self.intent_id.is_some() => Operation::Confirm,
            OrderStatus::Charging | OrderStatus::Deferred => Operation::Create,
            _ => Operation::Retrieve,
        }
    }

    /// The refund that is to be brought to its end.
    pub(super) fn pending_refund(&self) -> Option<PendingRefund> {
        let Pending { refund, amount, attempt, begun_at, begun_before } = self.pending;
        Some(PendingRefund {
            id: refund?,
            amount: amount?,
            attempt: attempt?,
            begun_at: begun_at?,
            begun_before,
        })
    }

    /// When to try again what only an operator can mend: less and less often, because what nobody has mended in hours
    /// will not be mended in the next minutes.
    pub(super) fn wait_for_operator(&self) -> Duration {
        let waited = Duration::from_secs(u64::try_from(self.waited).unwrap_or_default());
        (waited / 4).clamp(OPERATOR, SELDOM)
    }

    /// What the order costs in all.
    pub(super) fn total(&self) -> Money {
        Money { amount: self.amount, currency: self.currency }
    }

    /// What is to be paid, as the provider takes it.
    pub(super) fn money(&self) -> payments::Money {
        payments::Money { amount: self.amount, currency: self.currency.to_string() }
    }

    /// Remembers that the provider is about to be asked for a charge that nobody has asked for yet.
    ///
    /// # Errors
    /// As [`Lease::remember`].
    pub(super) async fn begin(&mut self, database: &Database) -> Result<()> {
        self.write_attempt(database, None, 1).await?;
        self.key = Key::new();
        Ok(())
    }

    /// Remembers which intent is about to be confirmed under which attempt.
    ///
    /// # Errors
    /// 409 in progress if the lease was lost meanwhile; then nothing may be sent.
    pub(super) async fn remember(&mut self, database: &Database, intent: &str, attempt: i32) -> Result<()> {
        self.write_attempt(database, Some(intent), attempt).await?;
        self.intent_id = Some(intent.to_owned());
        Ok(())
    }

    /// Remembers under which of its keys a refund is about to be asked for.
    ///
    /// # Errors
    /// As [`Lease::remember`].
    pub(super) async fn remember_refund(&self, database: &Database, refund: PendingRefund) -> Result<()> {
        let query = REFUND_ATTEMPT.bind(refund.id).bind(self.order).bind(self.owner).bind(refund.attempt);
        if database.execute(query).await? == 0 {
            return Err(in_progress(self.order));
        }
        KillPoint::AfterRemember.reached();
        Ok(())
    }

    async fn write_attempt(&mut self, database: &Database, intent: Option<&str>, attempt: i32) -> Result<()> {
        let query = ATTEMPT.bind(self.order).bind(self.owner).bind(intent).bind(attempt);
        if database.execute(query).await? == 0 {
            return Err(in_progress(self.order));
        }
        KillPoint::AfterRemember.reached();
        self.attempt = attempt;
        self.key.may_be_forgotten = false;
        Ok(())
    }
}

/// Takes the lease of an order; `None` if it is finished, or somebody else holds it. `patience` is when an order is
/// given up that was placed without a deadline, and no other is given more.
pub async fn claim(database: &Database, order: OrderId, patience: Duration) -> Result<Option<Lease>> {
    let owner = Uuid::now_v7();
    let query = CLAIM.bind(order).bind(owner).bind(SECONDS).bind(whole_seconds(patience));
    take(database, owner, query).await
}

/// Begins to cancel a customer's order and takes its lease; `None` if the order is finished, being charged, in somebody
/// else's hands, or not this customer's.
pub async fn claim_to_cancel(database: &Database, user: Uuid, order: OrderId) -> Result<Option<Lease>> {
    let owner = Uuid::now_v7();
    let query = CANCEL.bind(order).bind(user).bind(owner).bind(SECONDS);
    take(database, owner, query).await
}

async fn take(database: &Database, owner: Uuid, query: Query) -> Result<Option<Lease>> {
    KillPoint::BeforeClaim.reached();
    let lease: Option<Lease> = database.fetch_optional(query).await?;
    KillPoint::AfterClaim.reached();
    Ok(lease.map(|lease| Lease { owner, ..lease }))
}

/// Puts an order off that nobody holds: there is no use in trying before `wait` has passed. Whether it can be ended all
/// the same, with [`leave`](super::leave): it is given up or cancelled, and the provider never heard of it.
pub async fn postpone(
    database: &Database,
    order: OrderId,
    wait: Duration,
    patience: Duration,
) -> Result<bool> {
    let query = POSTPONE.bind(order).bind(whole_seconds(wait)).bind(SECONDS).bind(whole_seconds(patience));
    let postponed: Option<(bool,)> = database.fetch_optional(query).await?;
    KillPoint::AfterPostpone.reached();
    Ok(postponed.is_some_and(|(ends,)| ends))
}
