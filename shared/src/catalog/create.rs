//! Adding a product.

use serde::{Deserialize, Deserializer, de};
use sqlx::FromRow;

use super::price::check_price;
use super::text::{LONGEST_DESCRIPTION, LONGEST_NAME, description, name};
use super::{Currency, Money, Product, ProductId};
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
    pub const CHARACTERS: usize = LONGEST_SKU + LONGEST_NAME + LONGEST_DESCRIPTION + Currency::CHARACTERS;
}

fn sku<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Option::<String>::deserialize(deserializer)?.map(|sku| checked_sku(&sku)).transpose()
}

pub(super) fn required_sku<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    checked_sku(&String::deserialize(deserializer)?)
}

fn checked_sku<E: de::Error>(sku: &str) -> Result<String, E> {
    // Another sku is another product: two that look the same have to be the same.
    let composed = text::composed(sku);
    let plain = sku.trim() == sku && composed.split(' ').all(text::is_seen_whole);
    if plain && composed.contains(text::is_visible) && composed.chars().count() <= LONGEST_SKU {
        Ok(composed)
    } else {
        let what = "visible characters, with spaces only between them";
        Err(E::custom(format!("must be one line of 1 to {LONGEST_SKU} {what}")))
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
        Some(Taken { archived: true, .. }) => conflict("This sku belongs to an archived product."),
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(sku: &str) -> Result<String, serde_json::Error> {
        required_sku(json!(sku))
    }

    #[test]
    fn two_skus_that_look_the_same_are_the_same() {
        assert_eq!(read("Se\u{301}").expect("reads"), read("S\u{e9}").expect("reads"));
        for hidden in
            ["\u{200b}", "\u{ad}", "\u{feff}", "\u{200d}", "\u{fe0f}", "\u{2060}", "\u{a0}", "\u{3000}"]
        {
            for sku in [format!("{hidden}K"), format!("K{hidden}"), format!("K{hidden}2")] {
                assert!(read(&sku).is_err(), "{sku:?}");
            }
        }
    }

    #[test]
    fn a_sku_is_a_line_of_visible_characters_with_spaces_between_them() {
        for sku in ["A-1", "A 1", "SÉ 7 / b", "ランプ", "💡", &"é".repeat(100), &"e\u{301}".repeat(100)]
        {
            assert!(read(sku).is_ok(), "{sku:?}");
        }
        for sku in
            ["", " ", " A", "A ", "A\n1", "A\t1", "A\u{2028}1", "A\u{202e}1", "\u{301}", &"é".repeat(101)]
        {
            assert!(read(sku).is_err(), "{sku:?}");
        }
    }
}
