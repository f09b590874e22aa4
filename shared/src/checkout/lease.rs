//! Leases: who may bring an order forward, one at a time and only for a while.

use std::time::Duration;

use sqlx::FromRow;
use uuid::Uuid;

use crate::{
    database::{Database, Statement},
    error::{Result, conflict},
    kill_point::KillPoint,
    orders::{OrderId, OrderStatus},
};

static CLAIM: Statement = Statement::new("checkout.claim", include_str!("claim.sql"));
static CANCEL: Statement = Statement::new("checkout.cancel", include_str!("cancel.sql"));
static POSTPONE: Statement = Statement::new("checkout.postpone", include_str!("postpone.sql"));
static ATTEMPT: Statement = Statement::new("checkout.attempt", include_str!("attempt.sql"));

/// Longer than any invocation that may hold one (the time limit's ceiling is 20 s), so that a lease that ran out belongs
/// to nobody.
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
    /// Whether its deadline has passed.
    pub(super) overdue: bool,
    #[sqlx(rename = "total")]
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) payment_method: String,
    pub(super) intent_id: Option<String>,
    pub(super) attempt: i32,
    /// The provider keeps a key for at least 24 h and may then forget it; asked again it would act again.
    pub(super) key_may_be_forgotten: bool,
}

impl Lease {
    pub(super) fn of_new_order(
        order: OrderId,
        owner: Uuid,
        amount: i64,
        currency: String,
        payment_method: String,
    ) -> Self {
        Self {
            order,
            owner,
            status: OrderStatus::Charging,
            overdue: false,
            amount,
            currency,
            payment_method,
            intent_id: None,
            attempt: 0,
            key_may_be_forgotten: false,
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

/// Takes the lease of an order; `None` if it is finished, or somebody else holds it.
pub async fn claim(database: &Database, order: OrderId) -> Result<Option<Lease>> {
    let owner = Uuid::now_v7();
    KillPoint::BeforeClaim.reached();
    let lease: Option<Lease> = database.fetch_optional(CLAIM.bind(order).bind(owner).bind(SECONDS)).await?;
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

/// Puts an order off that nobody holds: there is no use in trying before `wait` has passed.
pub async fn postpone(database: &Database, order: OrderId, wait: Duration) -> Result<()> {
    let seconds = i32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(i32::MAX);
    database.execute(POSTPONE.bind(order).bind(seconds)).await?;
    KillPoint::AfterPostpone.reached();
    Ok(())
}
