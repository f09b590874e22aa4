//! Leases: who may bring an order forward, one at a time and only for a while.

use std::time::Duration;

use sqlx::FromRow;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    database::{Database, Statement, Timestamp},
    error::{Result, conflict},
    kill_point::KillPoint,
    orders::{OrderId, OrderStatus},
    time_limit::whole_seconds,
};

static CLAIM: Statement = Statement::new("checkout.claim", include_str!("claim.sql"));
static CANCEL: Statement = Statement::new("checkout.cancel", include_str!("cancel.sql"));
static POSTPONE: Statement = Statement::new("checkout.postpone", include_str!("postpone.sql"));
static ATTEMPT: Statement = Statement::new("checkout.attempt", include_str!("attempt.sql"));

/// Longer than any invocation that may hold one (the time limit's ceiling is 20 s), so that a lease that ran out
/// belongs to nobody.
pub(super) const LEASE: Duration = Duration::from_secs(SECONDS as u64);
const SECONDS: i32 = 30;

/// The right to bring one order forward, and what is needed for it.
#[derive(Debug, FromRow)]
pub struct Lease {
    /// The order.
    #[sqlx(rename = "id")]
    pub order: OrderId,
    #[sqlx(skip)]
    owner: Uuid,
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
    pub(super) currency: String,
    pub(super) payment_method: String,
    pub(super) intent_id: Option<String>,
    pub(super) attempt: i32,
    /// The provider keeps a key for at least 24 h and may then forget it; asked again it would act again.
    pub(super) key_may_be_forgotten: bool,
    /// How much of it went back, as far as we know.
    pub(super) refunded: i64,
    /// A refund did not arrive: giving the money back is an operator's matter.
    pub(super) refund_failed: bool,
}

impl Lease {
    pub(super) fn of_new_order(
        order: OrderId,
        owner: Uuid,
        amount: i64,
        currency: String,
        payment_method: String,
        deadline: OffsetDateTime,
    ) -> Self {
        Self {
            order,
            owner,
            status: OrderStatus::Charging,
            deadline,
            overdue: false,
            amount,
            currency,
            payment_method,
            intent_id: None,
            attempt: 0,
            key_may_be_forgotten: false,
            refunded: 0,
            refund_failed: false,
        }
    }

    pub(super) fn owner(&self) -> Uuid {
        self.owner
    }

    /// Remembers which intent is about to be confirmed under which attempt.
    ///
    /// # Errors
    /// 409 if the lease was lost meanwhile; then nothing may be sent.
    pub(super) async fn remember(&mut self, database: &Database, intent: &str, attempt: i32) -> Result<()> {
        let query = ATTEMPT.bind(self.order).bind(self.owner).bind(intent).bind(attempt);
        if database.execute(query).await? == 0 {
            return Err(conflict("Somebody else is bringing this order forward."));
        }
        KillPoint::AfterRemember.reached();
        self.intent_id = Some(intent.to_owned());
        self.attempt = attempt;
        self.key_may_be_forgotten = false;
        Ok(())
    }
}

/// Takes the lease of an order; `None` if it is finished, or somebody else holds it. `patience` is when an order is
/// given up that was placed without a deadline, and no other is given more.
pub async fn claim(database: &Database, order: OrderId, patience: Duration) -> Result<Option<Lease>> {
    let owner = Uuid::now_v7();
    KillPoint::BeforeClaim.reached();
    let query = CLAIM.bind(order).bind(owner).bind(SECONDS).bind(whole_seconds(patience));
    let lease: Option<Lease> = database.fetch_optional(query).await?;
    KillPoint::AfterClaim.reached();
    Ok(lease.map(|lease| Lease { owner, ..lease }))
}

/// Begins to cancel a customer's order and takes its lease; `None` if the order is finished, being charged, in somebody
/// else's hands, or not this customer's.
pub async fn claim_to_cancel(database: &Database, user: Uuid, order: OrderId) -> Result<Option<Lease>> {
    let owner = Uuid::now_v7();
    let query = CANCEL.bind(order).bind(user).bind(owner).bind(SECONDS);
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
    let postponed: Option<Postponed> = database.fetch_optional(query).await?;
    KillPoint::AfterPostpone.reached();
    Ok(postponed.is_some_and(|order| order.ends))
}

#[derive(FromRow)]
struct Postponed {
    ends: bool,
}
