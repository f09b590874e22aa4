//! One product.

use super::{Product, ProductId};
use crate::cache;
use crate::database::{Database, Statement};
use crate::error::{Result, internal};

static FIND: Statement = Statement::new("catalog.find", include_str!("find.sql")).stored();

/// The product with this id, as the cache keeps it; `None` if there is none.
pub async fn find(database: &Database, id: ProductId) -> Result<Option<cache::Entry>> {
    let product: Option<Product> = database.fetch_optional(FIND.bind(id)).await?;
    product.map(|product| product.entry().map_err(internal)).transpose()
}
