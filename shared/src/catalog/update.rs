//! Changing a product.

use serde::Deserialize;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};

use super::price::check_price;
use super::text::{LONGEST_DESCRIPTION, LONGEST_NAME, description, name};
use super::versions::another_version;
use super::{Currency, Money, Product, ProductId, Versions};
use crate::database::{Database, Statement};
use crate::error::{Result, invalid, not_found};
use crate::object::object;

/// Long: a description of 4,000 characters of four bytes is 21 KB of base64.
static UPDATE: Statement = Statement::new("catalog.update", include_str!("update.sql")).stored().long();

/// What an administrator may change. All of it is required: a PUT replaces.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    #[serde(deserialize_with = "name")]
    name: String,
    #[serde(deserialize_with = "description")]
    description: String,
    #[serde(deserialize_with = "object")]
    price: Money,
    featured: bool,
}

impl Change {
    /// The most characters that its texts may have.
    pub const CHARACTERS: usize = LONGEST_NAME + LONGEST_DESCRIPTION + Currency::CHARACTERS;
}

struct Found {
    version: i64,
    currency: String,
    product: Option<Product>,
}

impl<'r> FromRow<'r, PgRow> for Found {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let changed = row.try_get::<Option<uuid::Uuid>, _>("id")?.is_some();
        Ok(Self {
            version: row.try_get("found_version")?,
            currency: row.try_get("found_currency")?,
            product: changed.then(|| Product::from_row(row)).transpose()?,
        })
    }
}

/// Changes a product, in one statement, if the change is meant for the version that it has.
///
/// # Errors
/// 404; 412 for another version; 422 if the product is sold in another currency, or at no such price.
pub async fn update(
    database: &Database,
    id: ProductId,
    change: Change,
    versions: Versions,
) -> Result<Product> {
    let currency = change.price.currency;
    check_price(&change.price)?;
    let query = UPDATE
        .bind(id)
        .bind(change.name)
        .bind(change.description)
        .bind(change.price.amount)
        .bind(currency.as_str())
        .bind(change.featured);
    let found: Option<Found> = database.fetch_optional(versions.bind(query)).await?;
    let found = found.ok_or_else(|| not_found("product"))?;
    if found.currency != currency.as_str() {
        return Err(invalid("price.currency", format!("this product is sold in {}", found.currency)));
    }
    found.product.ok_or_else(|| another_version(found.version))
}
