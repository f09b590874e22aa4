//! What is looked for by its price, in the list and in search alike.

use super::Currency;
use crate::error::{Result, bad_request};

/// What products may cost. `None` asks for nothing.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Prices {
    currency: Option<Currency>,
    least: Option<i64>,
    most: Option<i64>,
}

impl Prices {
    /// What is sold in this currency, and costs so much at least and at most, in its minor units.
    ///
    /// # Errors
    /// 400 if amounts are compared and no currency is named.
    pub fn new(currency: Option<Currency>, least: Option<i64>, most: Option<i64>) -> Result<Self> {
        let prices = Self { currency, least, most };
        if least.or(most).is_some() { prices.in_one_currency() } else { Ok(prices) }
    }

    /// These, if amounts can be compared.
    ///
    /// # Errors
    /// 400 if no currency is named.
    pub(super) fn in_one_currency(self) -> Result<Self> {
        if self.currency.is_some() {
            return Ok(self);
        }
        let message = "name one: amounts of two currencies cannot be compared";
        Err(bad_request("A parameter of the address is not valid.").field("currency", message))
    }

    /// Which it is, as a statement takes it.
    pub(super) fn currency(&self) -> Option<String> {
        self.currency.map(|currency| currency.to_string())
    }

    /// The least and the most.
    pub(super) fn bounds(&self) -> (i64, i64) {
        (self.least.unwrap_or(0), self.most.unwrap_or(i64::MAX))
    }
}
