//! Orders that wait for somebody to go on with them.

use sqlx::FromRow;
use time::OffsetDateTime;

use super::OrderId;
use crate::database::{Database, Statement};
use crate::error::Result;
use crate::kill_point::KillPoint;

static DUE: Statement = Statement::new("orders.due", include_str!("due.sql"));

static DUE_BY_INTENT: Statement =
    Statement::new("orders.due_by_intent", include_str!("due_by_intent.sql")).stored();

static INTENT_OF_CHARGE: Statement =
    Statement::new("orders.intent_of_charge", include_str!("intent_of_charge.sql"));

static UNHEARD: Statement = Statement::new("orders.unheard", include_str!("unheard.sql"));

/// Up to `limit` orders that are due, each given to one caller only.
pub async fn take_due(database: &Database, limit: i64) -> Result<Vec<OrderId>> {
    let due: Vec<(OrderId,)> = database.fetch_all(DUE.bind(limit)).await?;
    KillPoint::AfterTakeDue.reached();
    Ok(due.into_iter().map(|(id,)| id).collect())
}

/// What the provider says about an intent.
#[derive(Clone, Copy, Debug)]
pub struct News<'a> {
    /// Which.
    pub intent: &'a str,
    /// The order it was made for, where the news say so.
    pub order: Option<OrderId>,
    /// The money has moved.
    pub paid: bool,
    /// Something that comes after a payment: a refund, a dispute, a warning.
    pub afterwards: bool,
    /// Where the customer's dispute stands.
    pub dispute: Option<&'a str>,
    /// A card network reports fraud.
    pub fraud_warning: bool,
    /// When that happened, where the news say so.
    pub at: Option<OffsetDateTime>,
}

/// The order that the provider's news are about.
#[derive(Debug, FromRow)]
pub struct Noted {
    /// Which.
    #[sqlx(rename = "id")]
    pub order: OrderId,
    /// The order has another payment.
    pub other: bool,
    /// Whether somebody has to look at it now.
    pub due: bool,
}

/// The intent of a charge, for news that name that alone; `None` if it is of no order's.
pub async fn intent_of_charge(database: &Database, charge: &str) -> Result<Option<String>> {
    let found: Option<(String,)> = database.fetch_optional(INTENT_OF_CHARGE.bind(charge)).await?;
    Ok(found.map(|(intent,)| intent))
}

/// Whether a payment of which something is said to have happened then, and that no order knows, may be the one of an
/// order that has asked for a payment and has not heard of it; where only its charge is named, also of one that knows
/// its payment and not yet the charge.
pub async fn may_be_unheard(
    database: &Database,
    at: Option<OffsetDateTime>,
    charge_alone: bool,
) -> Result<bool> {
    let (waits,): (bool,) = database.fetch_one(UNHEARD.bind(at).bind(charge_alone)).await?;
    Ok(waits)
}

/// Writes down what the provider says about an intent, and makes its order due where there is something to look at;
/// `None` if no order has this intent.
pub async fn take_note(database: &Database, news: News<'_>) -> Result<Option<Noted>> {
    let query = DUE_BY_INTENT
        .bind(news.intent)
        .bind(news.paid)
        .bind(news.afterwards)
        .bind(news.dispute)
        .bind(news.fraud_warning)
        .bind(news.order.map(|order| order.0))
        .bind(news.at);
    KillPoint::BeforeDue.reached();
    let noted: Option<Noted> = database.fetch_optional(query).await?;
    KillPoint::AfterDue.reached();
    Ok(noted)
}
