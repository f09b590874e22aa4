//! A customer's orders, page by page.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::{FromRow, types::Json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{OrderId, OrderStatus};
use crate::{
    catalog::{Currency, Money},
    database::{Database, Statement},
    error::{Result, internal},
};

static LIST: Statement = Statement::new("orders.list", include_str!("list.sql"));

/// The order after which a page begins (keyset pagination): unlike an offset it costs the same on every page, and an order
/// placed meanwhile shifts nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub(super) created_at: OffsetDateTime,
    pub(super) id: Uuid,
}

impl Cursor {
    /// Before the newest.
    pub(super) fn start() -> Self {
        Self { created_at: time::macros::datetime!(9999-12-31 0:00 UTC), id: Uuid::max() }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let microseconds = self.created_at.unix_timestamp_nanos() / 1000;
        let mut bytes = i64::try_from(microseconds).unwrap_or_default().to_be_bytes().to_vec();
        bytes.extend_from_slice(self.id.as_bytes());
        formatter.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Cursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const REFUSAL: &str = "must be the next_cursor of the page before";
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| REFUSAL)?;
        let (time, id) = bytes.split_first_chunk::<8>().ok_or(REFUSAL)?;
        let nanoseconds = i128::from(i64::from_be_bytes(*time)) * 1000;
        let created_at = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).map_err(|_| REFUSAL)?;
        Ok(Self { created_at, id: Uuid::from_slice(id).map_err(|_| REFUSAL)? })
    }
}

#[derive(FromRow)]
struct Row {
    id: OrderId,
    #[sqlx(try_from = "String")]
    status: OrderStatus,
    created_at: OffsetDateTime,
    currency: String,
    total: i64,
    lines: Json<Box<RawValue>>,
}

/// One page of orders.
#[derive(Serialize)]
pub struct Page {
    orders: Vec<Listed>,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct Listed {
    id: OrderId,
    status: OrderStatus,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    total: Money,
    items: Box<RawValue>,
}

/// The most orders of a page.
pub const PAGE: u8 = 20;

/// One page of the user's orders of the last 30 days, newest first, with items and products: one statement.
pub async fn list(database: &Database, user: Uuid, after: Option<Cursor>, limit: u8) -> Result<Page> {
    let after = after.unwrap_or_else(Cursor::start);
    let limit = limit.clamp(1, PAGE);
    // One more than asked for tells whether there is a next page.
    let query = LIST.bind(user).bind(after.created_at).bind(after.id).bind(i64::from(limit) + 1);
    let mut rows: Vec<Row> = database.fetch_all(query).await?;
    let more = rows.len() > usize::from(limit);
    rows.truncate(usize::from(limit));
    let last = rows.last().filter(|_| more).map(|row| Cursor { created_at: row.created_at, id: row.id.0 });
    let orders = rows.into_iter().map(listed).collect::<Result<_>>()?;
    Ok(Page { orders, next_cursor: last.map(|cursor| cursor.to_string()) })
}

fn listed(row: Row) -> Result<Listed> {
    let currency = Currency::parse(&row.currency).map_err(internal)?;
    Ok(Listed {
        id: row.id,
        status: row.status,
        created_at: row.created_at,
        total: Money { amount: row.total, currency },
        items: row.lines.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_the_journey_to_the_caller_and_back() {
        let cursor =
            Cursor { created_at: time::macros::datetime!(2026-11-23 8:15:30.123456 UTC), id: Uuid::now_v7() };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
    }

    #[test]
    fn a_forged_cursor_is_refused_and_not_believed() {
        for forged in ["", "abc", "!!!!", &"A".repeat(31), &"A".repeat(33), &"_".repeat(32)] {
            assert!(forged.parse::<Cursor>().is_err(), "{forged}");
        }
    }
}
