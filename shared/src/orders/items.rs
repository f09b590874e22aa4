//! The items of many orders at once.

use sqlx::FromRow;
use uuid::Uuid;

use super::OrderId;
use crate::catalog::ProductId;
use crate::database::{Database, Statement};
use crate::error::Result;

static ITEMS: Statement = Statement::new("orders.items", include_str!("items.sql"));

/// One line of an order.
#[derive(Clone, Debug, FromRow)]
pub struct Line {
    /// Whose line it is.
    pub order_id: OrderId,
    /// What was bought.
    pub product_id: ProductId,
    /// What it was called when it was ordered.
    pub name: String,
    /// How many.
    pub quantity: i32,
    /// What one cost, in minor units of the order's currency.
    pub unit_price: i64,
}

/// The lines of these orders, at most [`MAX_IDS`](crate::database::MAX_IDS) orders: one statement.
pub async fn items(database: &Database, orders: &[OrderId]) -> Result<Vec<Line>> {
    let orders: Vec<Uuid> = orders.iter().map(|id| id.0).collect();
    Ok(database.fetch_all(ITEMS.bind(orders)).await?)
}
