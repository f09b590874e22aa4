//! A product as callers see it.

use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};
use time::OffsetDateTime;

use super::Money;
use crate::cache;
use crate::database::Timestamp;
use crate::id::id;

id! {
    /// A product's id.
    ProductId
}

impl ProductId {
    /// Where the API has the product.
    pub fn path(self) -> String {
        format!("/api/products/{self}")
    }
}

/// A product.
#[derive(Clone, Debug, Serialize)]
pub struct Product {
    /// Its id.
    pub id: ProductId,
    /// The shop's own name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// At most 200 characters.
    pub name: String,
    /// At most 4,000 characters.
    pub description: String,
    /// What one piece costs.
    pub price: Money,
    /// Whether it is shown on the front page.
    pub featured: bool,
    /// Whether any was left when this last changed: the order of the last piece changes it, and none before.
    pub in_stock: bool,
    /// Goes up with every change.
    pub version: i64,
    /// When it was changed last.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

impl Product {
    /// The entity tag of this version.
    pub fn etag(version: i64) -> String {
        format!("\"{version}\"")
    }

    /// The product as the cache keeps it: the response body, ready to be sent.
    pub fn entry(&self) -> Result<cache::Entry, serde_json::Error> {
        Ok(cache::Entry { body: serde_json::to_vec(self)?.into(), version: self.version })
    }
}

impl<'r> FromRow<'r, PgRow> for Product {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            sku: row.try_get("sku")?,
            name: row.try_get("name")?,
            description: row.try_get("description")?,
            price: Money::of_row(row, "price")?,
            featured: row.try_get("featured")?,
            in_stock: row.try_get("in_stock")?,
            version: row.try_get("version")?,
            updated_at: row.try_get::<Timestamp, _>("updated_at")?.0,
        })
    }
}
