//! Finding products by words.

use std::str::FromStr;

use aws_lc_rs::digest;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};
use time::OffsetDateTime;

use super::highlight::highlight;
use super::{Place, Prices, Product};
use crate::cache;
use crate::database::{Database, Statement};
use crate::error::{Result, internal};
use crate::text;

static SEARCH: Statement = Statement::new("catalog.search", include_str!("search.sql"));

/// The most products of a page.
pub const MOST_FOUND: u16 = 50;

/// What to look for: 1 to 100 characters in lower case, one space between words. Two callers who mean the same ask the
/// same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words(String);

impl FromStr for Words {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // As names and descriptions are kept.
        let text = text::readable(text);
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        match words.chars().count() {
            _ if words.contains(char::is_control) => Err("must not contain control characters"),
            // Counted before: some letters become two.
            1..=100 => Ok(Self(words.to_lowercase())),
            _ => Err("must have 1 to 100 characters, and not only spaces"),
        }
    }
}

/// One page of a search.
#[derive(Clone, Debug)]
pub struct Search {
    /// What to look for.
    pub words: Words,
    /// Products of the page, at most [`MOST_FOUND`].
    pub limit: u16,
    /// The last product of the page before.
    pub after: Option<Place>,
    /// What a product may cost.
    pub prices: Prices,
    /// Whether only what is in stock is looked for.
    pub in_stock: bool,
}

impl Search {
    /// A first page of the usual length, whatever products cost.
    #[must_use]
    pub fn new(words: Words) -> Self {
        Self { words, limit: 20, after: None, prices: Prices::default(), in_stock: false }
    }

    /// The key under which its answer is cached: a digest, because callers choose the words.
    pub fn key(&self) -> String {
        let Self { words: Words(words), limit, after, prices, in_stock } = self;
        let after = after.unwrap_or_else(Place::before_all);
        let ((least, most), currency) = (prices.bounds(), prices.currency().unwrap_or_default());
        let text = format!("{limit} {after} {least} {most} {currency} {in_stock} {words}");
        BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()))
    }
}

/// One row: a product that was found, or none.
struct Found {
    corrected: Option<String>,
    product: Option<(Place, Highlighted)>,
}

impl<'r> FromRow<'r, PgRow> for Found {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let product = match row.try_get::<Option<i16>, _>("step")? {
            Some(step) => {
                let product = Product::from_row(row)?;
                let place = Place { step, popularity: row.try_get("popularity")?, id: product.id };
                let highlight = highlight(row.try_get("excerpt")?);
                Some((place, Highlighted { product, highlight }))
            }
            None => None,
        };
        Ok(Self { corrected: row.try_get("corrected")?, product })
    }
}

#[derive(Serialize)]
struct Page<'a> {
    query: &'a str,
    corrected: Option<String>,
    products: Vec<Highlighted>,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct Highlighted {
    #[serde(flatten)]
    product: Product,
    highlight: String,
}

/// The products found, as the cache keeps them; the version is the time of reading, in microseconds.
pub async fn search(database: &Database, search: &Search) -> Result<Option<cache::Entry>> {
    let Search { words: Words(words), limit, after, prices, in_stock } = search;
    let (least, most) = prices.bounds();
    let after = after.unwrap_or_else(Place::before_all);
    let limit = usize::from(*limit);
    // One more than asked for tells whether there is a next page.
    let query = SEARCH
        .bind(words.as_str())
        .bind(i64::from(search.limit) + 1)
        .bind(after.step)
        .bind(after.popularity)
        .bind(after.id)
        .bind(least)
        .bind(most)
        .bind(*in_stock)
        .bind(prices.currency());
    let mut found: Vec<Found> = database.fetch_all(query).await?;
    let corrected = found.first_mut().and_then(|found| found.corrected.take());
    let mut products: Vec<_> = found.into_iter().filter_map(|found| found.product).collect();
    let more = products.len() > limit;
    products.truncate(limit);
    let next_cursor = products.last().filter(|_| more).map(|(place, _)| place.to_string());
    let products = products.into_iter().map(|(_, product)| product).collect();
    let page = Page { query: words, corrected, products, next_cursor };
    let version = i64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1000).map_err(internal)?;
    Ok(Some(cache::Entry { body: serde_json::to_vec(&page).map_err(internal)?.into(), version }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Result<String, &'static str> {
        text.parse().map(|Words(words)| words)
    }

    #[test]
    fn it_takes_the_same_words_for_the_same_search() {
        assert_eq!(words("  Walnut\t LAMP\n"), Ok("walnut lamp".to_owned()));
        let search = |text: &str| Search::new(text.parse().expect("words"));
        let lamp = search("lamp");
        let sold_in = |currency: &str, least, most| {
            let prices = Prices::new(Some(currency.parse().expect("a currency")), least, most);
            Search { prices: prices.expect("comparable"), ..lamp.clone() }
        };
        for same in ["Lamp ", "la\u{ad}mp", "\u{feff}lamp"] {
            assert_eq!(search(same).key(), lamp.key(), "{same:?}");
        }
        for other in [
            search("lamps"),
            Search { limit: 21, ..lamp.clone() },
            Search { after: Some(Place { step: 1, ..Place::before_all() }), ..lamp.clone() },
            sold_in("usd", None, None),
            Search { in_stock: true, ..lamp.clone() },
        ] {
            assert_ne!(other.key(), lamp.key(), "{other:?}");
        }
        let cheap = sold_in("usd", None, Some(1));
        for other in
            [sold_in("usd", Some(1), None), sold_in("usd", None, None), sold_in("jpy", None, Some(1))]
        {
            assert_ne!(other.key(), cheap.key(), "{other:?}");
        }
        assert!(search(&"é".repeat(100)).key().len() < 50);
        assert_eq!(words(&"İ".repeat(100)).map(|words| words.chars().count()), Ok(200));
    }

    #[test]
    fn it_refuses_what_nobody_types() {
        for text in ["", " \t ", "\u{ad}", "a\0b", "\u{1b}[2J", &"a".repeat(101)] {
            assert!(words(text).is_err(), "{text:?}");
        }
        assert!(words(&"a".repeat(100)).is_ok());
    }
}
