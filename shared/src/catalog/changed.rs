//! Which products changed lately.

use std::time::Duration;

use sqlx::FromRow;

use super::ProductId;
use crate::database::{Database, Statement};
use crate::error::Result;

static CHANGED: Statement = Statement::new("catalog.changed", include_str!("changed.sql"));

/// A product that changed.
#[derive(Clone, Copy, Debug, FromRow)]
pub struct Changed {
    /// Which.
    pub id: ProductId,
    /// Its version now.
    pub version: i64,
}

/// The products that changed within the last `period`, at most two thousand.
pub async fn changed_within(database: &Database, period: Duration) -> Result<Vec<Changed>> {
    let seconds = i32::try_from(period.as_secs()).unwrap_or(i32::MAX);
    Ok(database.fetch_all(CHANGED.bind(seconds)).await?)
}
