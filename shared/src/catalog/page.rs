//! All products, page by page.

use uuid::Uuid;

use super::{Product, ProductId};
use crate::database::{Database, Statement};
use crate::error::Result;

static PAGE: Statement = Statement::new("catalog.page", include_str!("page.sql"));

/// The next `limit` products after this one, oldest first (keyset pagination).
pub async fn page(database: &Database, after: Option<ProductId>, limit: u8) -> Result<Vec<Product>> {
    let after = after.map_or(Uuid::nil(), |id| id.0);
    Ok(database.fetch_all(PAGE.bind(after).bind(i64::from(limit))).await?)
}
