//! All that is sold, page by page.

use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::text::LONGEST_NAME;
use super::{Prices, Product};
use crate::database::{Database, Query, Statement};
use crate::error::{Result, bad_parameter, internal};

static NEWEST: Statement = Statement::new("catalog.list_newest", include_str!("list_newest.sql"));
static BY_NAME: Statement = Statement::new("catalog.list_by_name", include_str!("list_by_name.sql"));
static CHEAPEST: Statement = Statement::new("catalog.list_cheapest", include_str!("list_cheapest.sql"));
static DEAREST: Statement = Statement::new("catalog.list_dearest", include_str!("list_dearest.sql"));

/// The most products of a page.
pub const MOST_LISTED: u8 = 50;

/// In which order.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub enum Order {
    /// What came last first.
    #[default]
    Newest,
    /// By name.
    Name,
    /// The cheapest first.
    Price,
    /// The dearest first.
    PriceDown,
}

impl FromStr for Order {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "newest" => Ok(Self::Newest),
            "name" => Ok(Self::Name),
            "price" => Ok(Self::Price),
            "-price" => Ok(Self::PriceDown),
            _ => Err("must be newest, name, price or -price"),
        }
    }
}

/// The product after which a page begins, by what the list is in order of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct After {
    id: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    price: Option<i64>,
}

impl After {
    fn of(product: &Product, order: Order) -> Self {
        let by_name = order == Order::Name;
        let by_price = matches!(order, Order::Price | Order::PriceDown);
        Self {
            id: product.id.0,
            name: by_name.then(|| product.name.clone()),
            price: by_price.then_some(product.price.amount),
        }
    }

    /// Whether a product can have this name and this price: a statement has no room for what is longer than any.
    fn is_of_a_product(&self) -> bool {
        let has_name = |name: &String| name.chars().count() <= LONGEST_NAME && !name.contains('\0');
        self.name.as_ref().is_none_or(has_name) && self.price.is_none_or(|price| price >= 0)
    }

    fn cursor(&self) -> Result<String> {
        Ok(BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).map_err(internal)?))
    }
}

/// Of another page.
const NO_CURSOR: &str = "must be the next_cursor of the page before, with the same sort";

impl FromStr for After {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| NO_CURSOR)?;
        let after: Self = serde_json::from_slice(&bytes).map_err(|_| NO_CURSOR)?;
        if after.is_of_a_product() { Ok(after) } else { Err(NO_CURSOR) }
    }
}

/// What is listed. `None` asks for nothing.
#[derive(Clone, Default, Debug)]
pub struct Filter {
    /// At these prices.
    pub prices: Prices,
    /// On the front page, or not.
    pub featured: Option<bool>,
    /// In stock, or not.
    pub in_stock: Option<bool>,
}

/// One page of products.
#[derive(Serialize)]
pub struct Listed {
    products: Vec<Product>,
    next_cursor: Option<String>,
}

/// One page of what is sold: one statement, which costs the same on every page.
///
/// Whatever is asked for, and however little of it there is: what is in stock, what is not, and what is featured have
/// indexes of every order; what is of a rare currency or in a narrow window of prices is found by another and sorted.
///
/// # Errors
/// 400 if the order is one of prices and no currency is named, or if the cursor is that of another order.
pub async fn list(
    database: &Database,
    order: Order,
    filter: &Filter,
    after: Option<After>,
    limit: u8,
) -> Result<Listed> {
    let by_price = matches!(order, Order::Price | Order::PriceDown);
    let prices = if by_price { filter.prices.in_one_currency()? } else { filter.prices };
    let (least, most) = prices.bounds();
    let limit = limit.clamp(1, MOST_LISTED);
    // One more than asked for tells whether there is a next page.
    let query = begin(order, after)?
        .bind(i64::from(limit) + 1)
        .bind(prices.currency())
        .bind(least)
        .bind(most)
        .bind(filter.featured)
        .bind(filter.in_stock);
    let mut products: Vec<Product> = database.fetch_all(query).await?;
    let more = products.len() > usize::from(limit);
    products.truncate(usize::from(limit));
    let last = products.last().filter(|_| more);
    let next_cursor = last.map(|product| After::of(product, order).cursor()).transpose()?;
    Ok(Listed { products, next_cursor })
}

/// The statement, with where the page begins.
fn begin(order: Order, after: Option<After>) -> Result<Query> {
    let Some(After { id, name, price }) = after else {
        return Ok(match order {
            Order::Newest => NEWEST.bind(Uuid::max()),
            Order::Name => BY_NAME.bind(Uuid::nil()).bind(""),
            Order::Price => CHEAPEST.bind(Uuid::nil()).bind(-1i64),
            Order::PriceDown => DEAREST.bind(Uuid::max()).bind(i64::MAX),
        });
    };
    match (order, name, price) {
        (Order::Newest, None, None) => Ok(NEWEST.bind(id)),
        (Order::Name, Some(name), None) => Ok(BY_NAME.bind(id).bind(name)),
        (Order::Price, None, Some(price)) => Ok(CHEAPEST.bind(id).bind(price)),
        (Order::PriceDown, None, Some(price)) => Ok(DEAREST.bind(id).bind(price)),
        _ => Err(bad_parameter("cursor", NO_CURSOR)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_the_journey_to_the_caller_and_back() {
        for after in [
            After { id: Uuid::now_v7(), name: None, price: None },
            After { id: Uuid::now_v7(), name: Some("\"Ä' \u{1f600}".repeat(40)), price: None },
            After { id: Uuid::now_v7(), name: None, price: Some(999_999_999_999) },
        ] {
            assert_eq!(after.cursor().expect("writes").parse(), Ok(after));
        }
    }

    #[test]
    fn a_cursor_that_is_none_or_of_another_order_is_refused() {
        for forged in ["", "abc", "!!!!", "e30", &BASE64_URL_SAFE_NO_PAD.encode(r#"{"id":1}"#)] {
            assert!(forged.parse::<After>().is_err(), "{forged}");
        }
        let (nul, longer) = ("\\u0000".to_owned(), "😀".repeat(LONGEST_NAME + 1));
        for of_none in
            [format!("\"name\":\"{nul}\""), format!("\"name\":\"{longer}\""), "\"price\":-1".to_owned()]
        {
            let forged = format!(r#"{{"id":"{}",{of_none}}}"#, Uuid::nil());
            assert!(BASE64_URL_SAFE_NO_PAD.encode(&forged).parse::<After>().is_err(), "{forged}");
        }
        let newest = After { id: Uuid::now_v7(), name: None, price: None };
        for order in [Order::Name, Order::Price, Order::PriceDown] {
            assert!(begin(order, Some(newest.clone())).is_err(), "{order:?}");
        }
    }
}
