//! Many products at once.

use uuid::Uuid;

use super::{Product, ProductId};
use crate::database::{Database, Statement};
use crate::error::Result;

static LOAD: Statement = Statement::new("catalog.load", include_str!("load.sql")).stored();

/// The products with these ids, at most [`MAX_IDS`](crate::database::MAX_IDS): one statement. Those that are not sold
/// are left out; the order is not that of the ids.
pub async fn load(database: &Database, ids: &[ProductId]) -> Result<Vec<Product>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    Ok(database.fetch_all(LOAD.bind(ids)).await?)
}
