//! What a product may cost: what can be charged in its currency.

use super::{Money, Rule};
use crate::error::{Result, invalid};

/// Refuses what nothing can be sold for.
pub(super) fn check_price(price: &Money) -> Result<()> {
    let Some(rule) = Rule::of(price.currency.as_str()) else {
        return Err(invalid("price.currency", "must be a currency that can be charged, such as usd"));
    };
    match rule.misfit_of_price(price.amount) {
        Some(misfit) => Err(invalid("price.amount", rule.explain(misfit, price.currency))),
        None => Ok(()),
    }
}
