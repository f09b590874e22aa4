//! What a customer wants to buy.

use std::collections::HashSet;

use serde::{Deserialize, Deserializer, Serialize, de};

use super::objects::{object_or_null, objects};
use crate::catalog::{Currency, ProductId, minor_units};
use crate::whole::whole;

/// The most lines of one order: more would not fit the 16 KB of a statement that RDS Proxy does not pin.
const LINES: usize = 50;

/// The most pieces of one order, so that nobody empties the shop with one.
const PIECES: i32 = 2000;

/// And of each product.
const PIECES_OF_ONE: i32 = 1000;

/// The most characters of a payment method's id.
const LONGEST_METHOD: usize = 64;

/// The body of a checkout. Prices are not part of it: they come from the catalogue, never from the caller.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cart {
    /// What to buy, at least one line, each product once.
    #[serde(deserialize_with = "items")]
    pub items: Vec<Item>,
    /// The provider's name for the customer's means of payment, made in the customer's browser: `pm_…`.
    #[serde(deserialize_with = "payment_method")]
    pub payment_method: String,
    /// What the customer was shown: if it comes to anything else, nothing is ordered.
    #[serde(default, deserialize_with = "object_or_null")]
    pub expected_total: Option<ExpectedTotal>,
}

impl Cart {
    /// The most characters that its texts may have.
    pub const CHARACTERS: usize = LINES * ProductId::CHARACTERS + LONGEST_METHOD + Currency::CHARACTERS;
}

/// What a cart should come to. No price: many pieces may come to more than one may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedTotal {
    /// In minor units.
    #[serde(deserialize_with = "minor_units")]
    pub amount: i64,
    /// ISO 4217.
    pub currency: Currency,
}

/// So many pieces of one product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// The product.
    pub product_id: ProductId,
    /// From 1 to 1,000.
    #[serde(deserialize_with = "quantity")]
    pub quantity: i32,
}

fn items<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Item>, D::Error> {
    let items: Vec<Item> = objects(deserializer)?;
    if !(1..=LINES).contains(&items.len()) {
        return Err(de::Error::custom(format!("must have 1 to {LINES} lines")));
    }
    let mut seen = HashSet::new();
    if items.iter().map(|item| item.quantity).sum::<i32>() > PIECES {
        return Err(de::Error::custom(format!("must come to at most {PIECES} pieces")));
    }
    match items.iter().find(|item| !seen.insert(item.product_id)) {
        Some(twice) => {
            let message = format!("must name each product once: {} appears twice", twice.product_id);
            Err(de::Error::custom(message))
        }
        None => Ok(items),
    }
}

fn quantity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    let quantity = whole(deserializer)?;
    if (1..=PIECES_OF_ONE).contains(&quantity) {
        Ok(quantity)
    } else {
        Err(de::Error::custom(format!("must be from 1 to {PIECES_OF_ONE}")))
    }
}

fn payment_method<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let method = String::deserialize(deserializer)?;
    let plain = method.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if method.starts_with("pm_") && method.len() <= LONGEST_METHOD && plain {
        Ok(method)
    } else {
        Err(de::Error::custom("must be a payment method's id such as pm_card_visa"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(items: &str, method: &str) -> Result<Cart, serde_json::Error> {
        serde_json::from_str(&format!(r#"{{"items":{items},"payment_method":"{method}"}}"#))
    }

    #[test]
    fn it_takes_lines_of_different_products_and_a_payment_method() {
        let product = ProductId::new();
        let cart =
            read(&format!(r#"[{{"product_id":"{product}","quantity":3}}]"#), "pm_card_visa").expect("reads");
        assert_eq!(cart.items, [Item { product_id: product, quantity: 3 }]);
    }

    #[test]
    fn an_expected_total_is_an_object_or_nothing() {
        let read = |total: &str| {
            let product = ProductId::new();
            let items = format!(r#"[{{"product_id":"{product}","quantity":3}}]"#);
            let cart =
                format!(r#"{{"items":{items},"payment_method":"pm_card_visa","expected_total":{total}}}"#);
            serde_json::from_str::<Cart>(&cart).map(|cart| cart.expected_total.map(|total| total.amount))
        };
        assert_eq!(read("null").expect("reads"), None);
        assert_eq!(read(r#"{"amount":7,"currency":"usd"}"#).expect("reads"), Some(7));
        for wrong in
            [r#"[7,"usd"]"#, "[]", "7", r#"{"amount":7}"#, r#"{"amount":7,"currency":"usd","tax":1}"#]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn it_refuses_no_lines_doubled_products_odd_quantities_and_prices_from_the_caller() {
        let id = ProductId::new();
        for items in [
            "[]".to_owned(),
            format!(r#"[{{"product_id":"{id}","quantity":1}},{{"product_id":"{id}","quantity":1}}]"#),
            format!(r#"[{{"product_id":"{id}","quantity":0}}]"#),
            format!(r#"[{{"product_id":"{id}","quantity":1001}}]"#),
            format!(
                r#"[{{"product_id":"{id}","quantity":1000}},{{"product_id":"{}","quantity":1000}},
                    {{"product_id":"{}","quantity":1}}]"#,
                ProductId::new(),
                ProductId::new()
            ),
            format!(r#"[{{"product_id":"{id}","quantity":1,"unit_price":1}}]"#),
            r#"[{"product_id":"1","quantity":1}]"#.to_owned(),
            format!(r#"[["{id}",1]]"#),
        ] {
            assert!(read(&items, "pm_card_visa").is_err(), "{items}");
        }
        let items = format!(r#"[{{"product_id":"{id}","quantity":1}}]"#);
        for method in ["", "4242424242424242", "pm_card visa", "tok_visa"] {
            assert!(read(&items, method).is_err(), "{method}");
        }
    }
}
