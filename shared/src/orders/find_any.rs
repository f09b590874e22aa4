//! One order of anybody, with all that is known of it.

use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};

use super::customer::Customer;
use super::{Details, OrderId};
use crate::database::{Database, JsonText, Statement};
use crate::error::Result;

static FIND_ANY: Statement = Statement::new("orders.find_any", include_str!("find_any.sql"));

/// An order as those see it who run the shop.
#[derive(Serialize)]
pub struct Dossier {
    /// As its customer sees it.
    #[serde(flatten)]
    pub order: Details,
    customer: Customer,
    payment: AtProvider,
    /// What happened to it, oldest first, as Postgres put it together.
    history: JsonText,
}

/// What leads to it at the provider.
#[derive(Serialize)]
struct AtProvider {
    payment_method: String,
    intent_id: Option<String>,
    dispute: Option<String>,
    fraud_warning: bool,
}

impl<'r> FromRow<'r, PgRow> for Dossier {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            order: Details::from_row(row)?,
            customer: Customer::from_row(row)?,
            payment: AtProvider {
                payment_method: row.try_get("payment_method")?,
                intent_id: row.try_get("intent_id")?,
                dispute: row.try_get("dispute")?,
                fraud_warning: row.try_get("fraud_warning")?,
            },
            history: row.try_get("history")?,
        })
    }
}

/// The order with this id, whoever's it is.
pub async fn find_any(database: &Database, id: OrderId) -> Result<Option<Dossier>> {
    Ok(database.fetch_optional(FIND_ANY.bind(id)).await?)
}
