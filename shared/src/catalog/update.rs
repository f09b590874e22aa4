//! Changing a product.

use serde::{Deserialize, Deserializer, de};
use sqlx::{FromRow, Row, postgres::PgRow};

use super::{Money, Product, ProductId, Rule};
use crate::{
    database::{Database, Statement},
    error::{Error, Kind, Result, invalid, not_found},
};

static UPDATE: Statement = Statement::new("catalog.update", include_str!("update.sql"));

/// What the log says where Redis did not confirm the invalidation of an update, beside `product` and `version`: readers
/// may get the older product until a sweep. The audit of `./dev chaos` excuses no other read.
pub const INVALIDATION_LOST: &str = "invalidation lost";

/// What an administrator may change. All of it is required: a PUT replaces.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    #[serde(deserialize_with = "name")]
    name: String,
    #[serde(deserialize_with = "description")]
    description: String,
    price: Money,
    featured: bool,
}

fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    text(deserializer, 1, 200)
}

fn description<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    text(deserializer, 0, 4000)
}

fn text<'de, D: Deserializer<'de>>(deserializer: D, least: usize, most: usize) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?.trim().to_owned();
    if text.contains('\0') {
        return Err(de::Error::custom("must not contain the character U+0000"));
    }
    if !(least..=most).contains(&text.chars().count()) {
        return Err(de::Error::custom(format!("must have {least} to {most} characters")));
    }
    Ok(text)
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

/// Changes a product, in one statement; with `expected`, only if that is still its version.
///
/// # Errors
/// 404; 412 if the version is another; 422 if the product is sold in another currency, or at no such price.
pub async fn update(
    database: &Database,
    id: ProductId,
    change: Change,
    expected: Option<i64>,
) -> Result<Product> {
    let currency = change.price.currency;
    let rule = Rule::of(currency.as_str());
    if let Some(misfit) = rule.misfit_of_price(change.price.amount) {
        return Err(invalid("price.amount", rule.explain(misfit, currency)));
    }
    let query = UPDATE
        .bind(id)
        .bind(change.name)
        .bind(change.description)
        .bind(change.price.amount)
        .bind(currency.as_str())
        .bind(change.featured)
        .bind(expected);
    let found: Option<Found> = database.fetch_optional(query).await?;
    let found = found.ok_or_else(|| not_found("product"))?;
    if found.currency != currency.as_str() {
        return Err(invalid("price.currency", format!("this product is sold in {}", found.currency)));
    }
    found.product.ok_or_else(|| {
        let detail = format!("The product has changed: its version is {} now.", found.version);
        Error::new(Kind::PreconditionFailed, detail)
    })
}
