//! Adding a product.

use serde::{Deserialize, Deserializer, de};
use sqlx::FromRow;

use super::price::check_price;
use super::text::{LONGEST_DESCRIPTION, LONGEST_NAME, description, name};
use super::{Money, Product, ProductId};
use crate::database::{Database, Statement};
use crate::error::{Error, Result, conflict};
use crate::object::object;
use crate::text;
use crate::whole::{whole, whole_or_null};

/// Long, as the update is.
static CREATE: Statement = Statement::new("catalog.create", include_str!("create.sql")).long();
static BY_SKU: Statement = Statement::new("catalog.by_sku", include_str!("by_sku.sql"));

/// A product that is to be sold.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewProduct {
    /// The shop's own name for it. Whoever gives one can repeat the request: there is no second product of that name.
    #[serde(default, deserialize_with = "sku")]
    sku: Option<String>,
    #[serde(deserialize_with = "name")]
    name: String,
    #[serde(deserialize_with = "description")]
    description: String,
    #[serde(deserialize_with = "object")]
    price: Money,
    #[serde(default)]
    featured: bool,
    /// How many pieces there are.
    #[serde(default, deserialize_with = "stock")]
    stock: i32,
}

/// The most characters of a shop's own name.
const LONGEST_SKU: usize = 100;

impl NewProduct {
    /// The most characters that its texts may have.
    pub const CHARACTERS: usize = LONGEST_SKU + LONGEST_NAME + LONGEST_DESCRIPTION;
}

fn sku<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Option::<String>::deserialize(deserializer)?.map(checked_sku).transpose()
}

pub(super) fn required_sku<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    checked_sku(String::deserialize(deserializer)?)
}

fn checked_sku<E: de::Error>(sku: String) -> Result<String, E> {
    let plain = text::is_line(&sku) && sku.contains(text::is_visible) && sku.trim() == sku;
    if plain && sku.chars().count() <= LONGEST_SKU {
        Ok(sku)
    } else {
        Err(E::custom(format!(
            "must be one line of 1 to {LONGEST_SKU} characters, at least one of them visible, without space around them"
        )))
    }
}

/// The most pieces of one product.
pub(super) const MOST_PIECES: i32 = 1_000_000_000;

fn stock<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    checked_stock(whole(deserializer)?)
}

pub(super) fn some_stock<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i32>, D::Error> {
    whole_or_null(deserializer)?.map(checked_stock).transpose()
}

fn checked_stock<E: de::Error>(stock: i32) -> Result<i32, E> {
    if (0..=MOST_PIECES).contains(&stock) {
        Ok(stock)
    } else {
        Err(E::custom(format!("must be a whole number from 0 to {MOST_PIECES}")))
    }
}

#[derive(FromRow)]
struct Taken {
    id: ProductId,
    archived: bool,
}

/// Who repeats a request because its answer was lost learns what it made.
async fn taken(database: &Database, sku: Option<&str>) -> Result<Error> {
    let taken: Option<Taken> = database.fetch_optional(BY_SKU.bind(sku)).await?;
    Ok(match taken {
        Some(Taken { archived: true, .. }) => conflict("This sku belongs to a product that is archived."),
        Some(Taken { id, .. }) => conflict("Another product has this sku.").about(id.path()),
        None => conflict("Another product has this sku."),
    })
}

/// Adds a product, in one statement.
///
/// # Errors
/// 409 if another product has its `sku`; 422 if it is sold at no such price.
pub async fn create(database: &Database, new: NewProduct) -> Result<Product> {
    check_price(&new.price)?;
    let sku = new.sku;
    let query = CREATE
        .bind(ProductId::new())
        .bind(sku.as_deref())
        .bind(new.name)
        .bind(new.description)
        .bind(new.price.amount)
        .bind(new.price.currency.as_str())
        .bind(new.featured)
        .bind(new.stock);
    let created: Option<Product> = database.fetch_optional(query).await?;
    match created {
        Some(product) => Ok(product),
        None => Err(taken(database, sku.as_deref()).await?),
    }
}
