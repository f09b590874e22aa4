//! Products as a file has them: what an import reads.

use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};

use super::{LineOfFile, Money, ProductId};
use crate::database::{self, Database, Statement};

static EXPORT: Statement = Statement::new("catalog.export", include_str!("export.sql"));

/// A product with its id, after which the next page begins.
#[derive(Debug)]
pub struct Exported {
    /// Its id, which no file has.
    pub id: ProductId,
    /// Its line.
    pub line: LineOfFile,
}

impl<'r> FromRow<'r, PgRow> for Exported {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let line = LineOfFile {
            sku: row.try_get("sku")?,
            name: row.try_get("name")?,
            description: row.try_get("description")?,
            price: Money::of_row(row, "price")?,
            featured: Some(row.try_get("featured")?),
            stock: Some(row.try_get("available")?),
        };
        Ok(Self { id: row.try_get("id")?, line })
    }
}

/// The next products that are sold and have a sku, after one of them; the oldest first.
pub async fn export(
    database: &Database,
    after: Option<ProductId>,
    limit: usize,
) -> database::Result<Vec<Exported>> {
    let after = after.map_or(uuid::Uuid::nil(), |id| id.0);
    database.fetch_all(EXPORT.bind(after).bind(i64::try_from(limit).unwrap_or(i64::MAX))).await
}
