//! How far behind we are.

use std::time::Duration;

use sqlx::FromRow;

use crate::database::{Database, Statement};
use crate::error::Result;

static OLDEST: Statement = Statement::new("orders.oldest", include_str!("oldest.sql"));

#[derive(FromRow)]
struct Row {
    seconds: i64,
}

/// How long the oldest unfinished order has waited for us; zero if none does.
pub async fn oldest_unfinished(database: &Database) -> Result<Duration> {
    let row: Row = database.fetch_one(&OLDEST).await?;
    Ok(Duration::from_secs(row.seconds.unsigned_abs()))
}
