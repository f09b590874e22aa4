//! How many pieces of a product there are.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::ProductId;
use super::create::MOST_PIECES;
use crate::database::{Database, Statement};
use crate::error::{Error, Result, conflict, invalid, not_found};
use crate::whole::whole_or_null;

static STOCK: Statement = Statement::new("catalog.stock", include_str!("stock.sql"));

/// What an administrator wants the stock to be: so many, or so many more or fewer; with `expected`, only if there are
/// that many now.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StockChange {
    #[serde(default, deserialize_with = "whole_or_null")]
    available: Option<i32>,
    #[serde(default, deserialize_with = "whole_or_null")]
    change: Option<i32>,
    #[serde(default, deserialize_with = "whole_or_null")]
    expected: Option<i32>,
}

/// A product's stock.
#[derive(Debug, Serialize)]
pub struct Stock {
    product_id: ProductId,
    available: i32,
    /// Whether the product is in stock and was not, or the other way round.
    #[serde(skip)]
    pub turned: bool,
}

#[derive(FromRow)]
struct Found {
    found: i32,
    available: Option<i32>,
}

/// Changes the stock, in one statement: no piece that is sold meanwhile is lost or comes back.
///
/// # Errors
/// 404; 409 if there are not as many as expected, or fewer would be left than none; 422 if it is not clear what is
/// wanted.
pub async fn set_stock(database: &Database, id: ProductId, wanted: StockChange) -> Result<Stock> {
    let StockChange { available, change, expected } = wanted;
    if available.is_some() == change.is_some() {
        return Err(invalid(
            "available",
            "send either available, how many there are, or change, how many more",
        ));
    }
    if available.is_some_and(|available| !(0..=MOST_PIECES).contains(&available)) {
        return Err(invalid("available", format!("must be a whole number from 0 to {MOST_PIECES}")));
    }
    let query = STOCK.bind(id).bind(available).bind(change).bind(expected).bind(MOST_PIECES);
    let found: Option<Found> = database.fetch_optional(query).await?;
    let Found { found, available } = found.ok_or_else(|| not_found("product"))?;
    let available = available.ok_or_else(|| refuse(found, expected))?;
    Ok(Stock { product_id: id, available, turned: (found > 0) != (available > 0) })
}

fn refuse(found: i32, expected: Option<i32>) -> Error {
    let why = match expected {
        Some(expected) if expected != found => format!("There are {found} now, not {expected}."),
        _ => {
            format!("There are {found} now: the change would leave fewer than 0 or more than {MOST_PIECES}.")
        }
    };
    conflict(why).member("available", found)
}
