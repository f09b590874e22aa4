//! A line of a file of products: what a new product may be, under a sku.

use serde::{Deserialize, Serialize};

use super::create::{required_sku, some_stock};
use super::price::check_price;
use super::text::{description, name};
use super::{Money, NewProduct};
use crate::error::Result;
use crate::object::object;

/// What a line says of its product. It is written like the body of `POST /api/products`, but that it needs a sku.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineOfFile {
    /// The shop's own name for it.
    #[serde(deserialize_with = "required_sku")]
    pub sku: String,
    /// See [`Product`](super::Product).
    #[serde(deserialize_with = "name")]
    pub name: String,
    /// See [`Product`](super::Product).
    #[serde(deserialize_with = "description")]
    pub description: String,
    /// What one piece costs.
    #[serde(deserialize_with = "object")]
    pub price: Money,
    /// Whether it is shown on the front page. Without a word a product stays as it is, and a new one is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub featured: Option<bool>,
    /// How many pieces there are of it if it is new; none without a word. Of a product that is there already the stock
    /// stays: pieces that were sold since the file was written would come back.
    #[serde(default, deserialize_with = "some_stock", skip_serializing_if = "Option::is_none")]
    pub stock: Option<i32>,
}

impl LineOfFile {
    /// The most bytes of its texts, which are a new product's.
    pub(super) const MOST_TEXT_BYTES: usize = NewProduct::CHARACTERS * 4;

    /// Looks at what no single field says.
    ///
    /// # Errors
    /// 422 if it is sold at no such price.
    pub fn check(&self) -> Result<()> {
        check_price(&self.price)
    }

    pub(super) fn text_bytes(&self) -> usize {
        self.sku.len() + self.name.len() + self.description.len()
    }
}
