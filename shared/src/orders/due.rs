//! Orders that wait for somebody to go on with them.

use sqlx::FromRow;

use super::OrderId;
use crate::{
    database::{Database, Statement},
    error::Result,
};

static DUE: Statement = Statement::new("orders.due", include_str!("due.sql"));

#[derive(FromRow)]
struct Row {
    id: OrderId,
}

/// Up to `limit` orders that are due, each given to one caller only.
pub async fn take_due(database: &Database, limit: i64) -> Result<Vec<OrderId>> {
    let rows: Vec<Row> = database.fetch_all(DUE.bind(limit)).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}
