//! A customer's orders without their items, for callers who may not want those.

use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{ClientSecret, Cursor, OrderId, OrderStatus, PAGE};
use crate::catalog::Money;
use crate::database::{Database, Statement, Timestamp};
use crate::error::Result;

static PAGE_OF_ORDERS: Statement = Statement::new("orders.page", include_str!("page.sql")).stored();

/// An order without its items.
#[derive(Clone, Debug)]
pub struct Header {
    /// The order.
    pub id: OrderId,
    /// Where it stands.
    pub status: OrderStatus,
    /// When it was placed.
    pub created_at: OffsetDateTime,
    /// What it costs.
    pub total: Money,
    /// What its customer's browser needs, while the order waits for that.
    pub client_secret: Option<ClientSecret>,
}

impl Header {
    /// Leads to the orders after this one.
    pub fn cursor(&self) -> Cursor {
        Cursor { created_at: self.created_at, id: self.id.0 }
    }
}

impl<'r> FromRow<'r, PgRow> for Header {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let status = OrderStatus::try_from(row.try_get::<String, _>("status")?);
        Ok(Self {
            id: row.try_get("id")?,
            status: status.map_err(|error| sqlx::Error::Decode(error.into()))?,
            created_at: row.try_get::<Timestamp, _>("created_at")?.0,
            total: Money::of_row(row, "total")?,
            client_secret: row.try_get("client_secret")?,
        })
    }
}

/// The user's next orders of the last 30 days, newest first: one statement.
pub async fn page(database: &Database, user: Uuid, after: Option<Cursor>, limit: u8) -> Result<Vec<Header>> {
    let after = after.unwrap_or_else(Cursor::start);
    let limit = i64::from(limit.clamp(1, PAGE));
    let query = PAGE_OF_ORDERS.bind(user).bind(after.created_at).bind(after.id).bind(limit);
    Ok(database.fetch_all(query).await?)
}
