//! The front page's products.

use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};

use super::Product;
use crate::cache;
use crate::database::{Database, Statement};
use crate::error::{Result, internal};

static FEATURED: Statement = Statement::new("catalog.featured", include_str!("featured.sql")).stored();

/// The key under which the whole list is cached.
pub const FEATURED_KEY: &str = "all";

struct Line {
    as_of: i64,
    product: Option<Product>,
}

impl<'r> FromRow<'r, PgRow> for Line {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let listed = row.try_get::<Option<uuid::Uuid>, _>("id")?.is_some();
        let product = listed.then(|| Product::from_row(row)).transpose()?;
        Ok(Self { as_of: row.try_get("as_of")?, product })
    }
}

#[derive(Serialize)]
struct Featured {
    products: Vec<Product>,
}

/// The featured products, as the cache keeps them; the version is the time of reading, in microseconds.
pub async fn featured(database: &Database) -> Result<Option<cache::Entry>> {
    let lines: Vec<Line> = database.fetch_all(FEATURED).await?;
    let version = lines.first().map_or(0, |line| line.as_of);
    let products = lines.into_iter().filter_map(|line| line.product).collect();
    let body = serde_json::to_vec(&Featured { products }).map_err(internal)?;
    Ok(Some(cache::Entry { body: body.into(), version }))
}
