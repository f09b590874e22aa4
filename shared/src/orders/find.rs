//! One order.

use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};
use time::OffsetDateTime;
use uuid::Uuid;

use super::summary::Summary;
use super::{Answer, ChargeSummary, OrderId, OrderStatus, StoredCharge};
use crate::database::{Database, Statement, Timestamp};
use crate::error::Result;

static FIND: Statement = Statement::new("orders.find", include_str!("find.sql")).stored();

/// An order with its items and how its payment went.
#[derive(Serialize)]
pub struct Details {
    /// The order.
    #[serde(flatten)]
    pub order: Summary,
    /// Its charge.
    pub charge: ChargeSummary,
    /// When it is given up unless it is paid.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub deadline: Option<OffsetDateTime>,
}

impl<'r> FromRow<'r, PgRow> for Details {
    fn from_row(row: &'r PgRow) -> std::result::Result<Self, sqlx::Error> {
        let order = Summary::from_row(row)?;
        let charge = StoredCharge::from_row(row)?.shown(order.status);
        let deadline = row.try_get::<Option<Timestamp>, _>("deadline")?.map(OffsetDateTime::from);
        Ok(Self { order, charge, deadline })
    }
}

impl Details {
    /// What checkout or a cancellation answers about it.
    pub fn answer(self) -> Answer {
        Answer {
            order_id: self.order.id,
            status: self.order.status,
            total: self.order.total,
            charge: self.charge,
            deadline: self.deadline,
            was_paid: self.order.status == OrderStatus::Paid,
        }
    }
}

/// The order with this id, if it is this user's.
pub async fn find(database: &Database, user: Uuid, id: OrderId) -> Result<Option<Details>> {
    Ok(database.fetch_optional(FIND.bind(id).bind(user)).await?)
}
