//! An order with its items, as lists and single answers show it.

use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};
use time::OffsetDateTime;

use super::{OrderId, OrderStatus};
use crate::catalog::Money;
use crate::database::{JsonText, Timestamp};

/// An order with its items.
#[derive(Serialize)]
pub struct Summary {
    /// Which.
    pub id: OrderId,
    /// Where it stands.
    pub status: OrderStatus,
    /// When it was placed.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// What it costs in all.
    pub total: Money,
    /// Products, quantities and prices, as Postgres put them together: nothing here would look inside.
    pub items: JsonText,
}

impl<'r> FromRow<'r, PgRow> for Summary {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let status = OrderStatus::try_from(row.try_get::<String, _>("status")?);
        Ok(Self {
            id: row.try_get("id")?,
            status: status.map_err(|error| sqlx::Error::Decode(error.into()))?,
            created_at: row.try_get::<Timestamp, _>("created_at")?.0,
            total: Money::of_row(row, "total")?,
            items: row.try_get("lines")?,
        })
    }
}
