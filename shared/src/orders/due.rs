//! Orders that wait for somebody to go on with them.

use sqlx::FromRow;

use super::OrderId;
use crate::{
    database::{Database, Statement},
    error::Result,
    kill_point::KillPoint,
};

static DUE: Statement = Statement::new("orders.due", include_str!("due.sql"));

static DUE_BY_INTENT: Statement = Statement::new("orders.due_by_intent", include_str!("due_by_intent.sql"));

#[derive(FromRow)]
struct Row {
    id: OrderId,
}

/// Up to `limit` orders that are due, each given to one caller only.
pub async fn take_due(database: &Database, limit: i64) -> Result<Vec<OrderId>> {
    let rows: Vec<Row> = database.fetch_all(DUE.bind(limit)).await?;
    KillPoint::AfterTakeDue.reached();
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Makes the order of this intent due now, because the provider says that something happened to it; `None` if there is
/// nothing to do about it. `paid`: the provider says that the money has moved.
pub async fn make_due(database: &Database, intent: &str, paid: bool) -> Result<Option<OrderId>> {
    KillPoint::BeforeDue.reached();
    let row: Option<Row> = database.fetch_optional(DUE_BY_INTENT.bind(intent).bind(paid)).await?;
    KillPoint::AfterDue.reached();
    Ok(row.map(|row| row.id))
}
