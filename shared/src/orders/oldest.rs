//! How far behind we are.

use std::time::Duration;

use crate::database::{Database, Statement};
use crate::error::Result;

static OLDEST: Statement = Statement::new("orders.oldest", include_str!("oldest.sql"));

/// How long the oldest unfinished order has waited for us; zero if none does.
pub async fn oldest_unfinished(database: &Database) -> Result<Duration> {
    let (seconds,): (i64,) = database.fetch_one(&OLDEST).await?;
    Ok(Duration::from_secs(seconds.unsigned_abs()))
}
