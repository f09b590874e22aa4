//! The orders of all customers, for those who run the shop.

use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};
use time::OffsetDateTime;

use super::customer::Customer;
use super::moment::Moment;
use super::{Cursor, OrderId, OrderStatus};
use crate::catalog::Money;
use crate::database::{Database, Statement, Timestamp};
use crate::error::Result;
use crate::id::id;

static LIST_ALL: Statement = Statement::new("orders.list_all", include_str!("list_all.sql"));

id! {
    /// A user's id.
    UserId
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

impl<'r> FromRow<'r, PgRow> for AnyOrder {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let status = OrderStatus::try_from(row.try_get::<String, _>("status")?);
        Ok(Self {
            id: row.try_get("id")?,
            status: status.map_err(|error| sqlx::Error::Decode(error.into()))?,
            created_at: row.try_get::<Timestamp, _>("created_at")?.0,
            total: Money::of_row(row, "total")?,
            customer: Customer::from_row(row)?,
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
