//! How well products sell: what search puts first among those that fit as well as each other.
//!
//! Kept by a schedule and not by orders, whose statements stay as they are; and it is no part of a product, so that
//! nothing that is cached becomes old by it.

use crate::database::{Database, Statement};
use crate::error::Result;

static COUNT_SALES: Statement = Statement::new("catalog.count_sales", include_str!("count_sales.sql"));
static RANK: Statement = Statement::new("catalog.rank", include_str!("rank.sql"));

/// Products that move at a time, so that the statement stays far from its time limit.
const MOST: i64 = 2000;

/// Once an hour, whoever asks: counts what was ordered, and says anew how well products sell. How many of them moved.
pub async fn rank(database: &Database) -> Result<u64> {
    let counted: Option<(bool,)> = database.fetch_optional(&COUNT_SALES).await?;
    match counted {
        Some(_) => Ok(database.execute(RANK.bind(MOST)).await?),
        None => Ok(0),
    }
}
