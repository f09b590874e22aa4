//! What is looked for by its price, in the list and in search alike.

use super::Currency;
use crate::error::{Result, bad_parameter};

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
    /// 400 if amounts are compared and no currency is named, and if the most is less than the least: an empty page
    /// would say that nothing is sold at such prices.
    pub fn new(currency: Option<Currency>, least: Option<i64>, most: Option<i64>) -> Result<Self> {
        if most.is_some_and(|most| least > Some(most)) {
            return Err(bad_parameter("max_price", "must not be less than min_price"));
        }
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
        let message = "is required: prices are compared in one currency";
        Err(bad_parameter("currency", message))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(currency: Option<&str>, least: Option<i64>, most: Option<i64>) -> Option<String> {
        let currency = currency.map(|currency| currency.parse().expect("a currency"));
        let error = Prices::new(currency, least, most).err()?;
        Some(error.problem().errors()[0].field.clone())
    }

    #[test]
    fn prices_between_which_nothing_can_be_are_refused() {
        assert_eq!(refused(Some("usd"), Some(2), Some(1)).as_deref(), Some("max_price"));
        for (least, most) in
            [(Some(1), Some(1)), (Some(1), Some(2)), (Some(1), None), (None, Some(0)), (None, None)]
        {
            assert_eq!(refused(Some("usd"), least, most), None, "{least:?} {most:?}");
        }
    }

    #[test]
    fn amounts_are_compared_in_one_currency_only() {
        for (least, most) in [(Some(1), None), (None, Some(1)), (Some(1), Some(2))] {
            assert_eq!(refused(None, least, most).as_deref(), Some("currency"), "{least:?} {most:?}");
        }
        assert_eq!(refused(None, None, None), None);
    }
}
