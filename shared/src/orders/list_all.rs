//! The orders of all customers, for those who run the shop.

use std::str::FromStr;

use serde::Serialize;
use sqlx::{FromRow, Row, postgres::PgRow};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use super::{Cursor, OrderId, OrderStatus};
use crate::{
    catalog::{Currency, Money},
    database::{Database, Statement, Timestamp},
    error::Result,
    id::id,
};

static LIST_ALL: Statement = Statement::new("orders.list_all", include_str!("list_all.sql"));

id! {
    /// A user's id.
    UserId
}

/// A time as callers write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(OffsetDateTime);

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).ok();
        // Postgres has no other years in this form.
        let known =
            moment.filter(|moment| (1..=9999).contains(&moment.to_offset(time::UtcOffset::UTC).year()));
        known.map(Self).ok_or("must be a time such as 2026-11-28T09:50:00Z")
    }
}

/// Which orders. `None` asks for nothing.
#[derive(Clone, Copy, Default, Debug)]
pub struct Wanted {
    /// Those that stand like this.
    pub status: Option<OrderStatus>,
    /// Those of this customer.
    pub customer: Option<UserId>,
    /// Placed then or later.
    pub from: Option<Moment>,
    /// Placed before.
    pub until: Option<Moment>,
}

/// An order and whose it is.
#[derive(Serialize)]
struct AnyOrder {
    id: OrderId,
    status: OrderStatus,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    total: Money,
    customer: Customer,
    refunded: i64,
    disputed: bool,
    fraud_warning: bool,
}

/// Who bought.
#[derive(Serialize)]
struct Customer {
    id: Uuid,
    /// Of an account that is not erased.
    email: Option<String>,
}

impl<'r> FromRow<'r, PgRow> for AnyOrder {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let decode = |error: Box<dyn std::error::Error + Send + Sync>| sqlx::Error::Decode(error);
        let currency = Currency::parse(row.try_get("currency")?).map_err(|error| decode(error.into()))?;
        let status = OrderStatus::try_from(row.try_get::<String, _>("status")?);
        Ok(Self {
            id: row.try_get("id")?,
            status: status.map_err(|error| decode(error.into()))?,
            created_at: row.try_get::<Timestamp, _>("created_at")?.0,
            total: Money { amount: row.try_get("total")?, currency },
            customer: Customer { id: row.try_get("user_id")?, email: row.try_get("email")? },
            refunded: row.try_get("refunded")?,
            disputed: row.try_get("disputed")?,
            fraud_warning: row.try_get("fraud_warning")?,
        })
    }
}

/// One page of anybody's orders.
#[derive(Serialize)]
pub struct AllOrders {
    orders: Vec<AnyOrder>,
    next_cursor: Option<String>,
}

/// One page of everybody's orders, newest first: one statement.
pub async fn list_all(
    database: &Database,
    wanted: Wanted,
    after: Option<Cursor>,
    limit: u8,
) -> Result<AllOrders> {
    let after = after.unwrap_or_else(Cursor::start);
    let query = LIST_ALL
        .bind(wanted.status.map(OrderStatus::as_str))
        .bind(wanted.customer.map(|id| id.0))
        .bind(wanted.from.map(|moment| moment.0))
        .bind(wanted.until.map(|moment| moment.0))
        .bind(after.created_at)
        .bind(after.id)
        // One more than asked for tells whether there is a next page.
        .bind(i64::from(limit) + 1);
    let mut orders: Vec<AnyOrder> = database.fetch_all(query).await?;
    let more = orders.len() > usize::from(limit);
    orders.truncate(usize::from(limit));
    let last = orders.last().filter(|_| more);
    let next_cursor = last.map(|order| Cursor { created_at: order.created_at, id: order.id.0 }.to_string());
    Ok(AllOrders { orders, next_cursor })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_wherever_it_is_from_and_nothing_else_is() {
        let moment = |text: &str| text.parse::<Moment>();
        assert_eq!(moment("2026-11-28T10:50:00+01:00"), moment("2026-11-28T09:50:00Z"));
        for wrong in ["", "yesterday", "2026-11-28", "0000-01-01T00:00:00Z", "2026-11-28T09:50:00"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }
}
