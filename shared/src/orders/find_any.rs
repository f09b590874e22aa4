//! One order of anybody, with all that is known of it.

use serde::Serialize;
use sqlx::FromRow;

use super::customer::Customer;
use super::{Details, OrderId};
use crate::database::{Database, JsonText, Statement};
use crate::error::Result;

static FIND_ANY: Statement = Statement::new("orders.find_any", include_str!("find_any.sql"));

/// An order as those see it who run the shop.
#[derive(Serialize, FromRow)]
pub struct Dossier {
    /// As its customer sees it.
    #[serde(flatten)]
    #[sqlx(flatten)]
    pub order: Details,
    #[sqlx(flatten)]
    customer: Customer,
    #[sqlx(flatten)]
    payment: AtProvider,
    /// What happened to it, oldest first, as Postgres put it together.
    history: JsonText,
}

/// What leads to it at the provider.
#[derive(Serialize, FromRow)]
struct AtProvider {
    payment_method: String,
    intent_id: Option<String>,
    dispute: Option<String>,
    fraud_warning: bool,
}

/// The order with this id, whoever's it is.
pub async fn find_any(database: &Database, id: OrderId) -> Result<Option<Dossier>> {
    Ok(database.fetch_optional(FIND_ANY.bind(id)).await?)
}
