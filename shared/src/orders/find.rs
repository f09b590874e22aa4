//! One order.

use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::{FromRow, types::Json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Answer, OrderId, OrderStatus, answer::ChargeSummary};
use crate::{
    catalog::{Currency, Money},
    database::{Database, Statement},
    error::{Result, internal},
};

static FIND: Statement = Statement::new("orders.find", include_str!("find.sql"));

#[derive(FromRow)]
struct Row {
    id: OrderId,
    #[sqlx(try_from = "String")]
    status: OrderStatus,
    created_at: OffsetDateTime,
    currency: String,
    total: i64,
    lines: Json<Box<RawValue>>,
    charge_id: Option<String>,
    charge_status: Option<String>,
    decline_code: Option<String>,
}

/// An order with its items and how its payment went.
#[derive(Serialize)]
pub struct Details {
    /// The order.
    pub id: OrderId,
    /// Where it stands.
    pub status: OrderStatus,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    total: Money,
    items: Box<RawValue>,
    charge: ChargeSummary,
}

impl Details {
    /// What checkout or a cancellation answers about it.
    pub fn answer(self) -> Answer {
        Answer { order_id: self.id, status: self.status, charge: self.charge }
    }
}

/// The order with this id, if it is this user's.
pub async fn find(database: &Database, user: Uuid, id: OrderId) -> Result<Option<Details>> {
    let row: Option<Row> = database.fetch_optional(FIND.bind(id).bind(user)).await?;
    row.map(details).transpose()
}

fn details(row: Row) -> Result<Details> {
    let currency = Currency::parse(&row.currency).map_err(internal)?;
    let charge = row.charge_id.zip(row.charge_status);
    let charge =
        ChargeSummary { decline_code: row.decline_code, ..Answer::new(row.id, row.status, charge).charge };
    Ok(Details {
        id: row.id,
        status: row.status,
        created_at: row.created_at,
        total: Money { amount: row.total, currency },
        items: row.lines.0,
        charge,
    })
}
