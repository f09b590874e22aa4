//! What the payment provider takes, by currency: the one table of it, for prices, carts and the provider's double.
//!
//! Source: <https://docs.stripe.com/currencies>, as of 2026-11-28. The smallest amount is that of an account that is
//! paid out in the same currency; where Stripe converts, its own rate decides, and a refusal for it calls an operator.
//! Of larger amounts in a few currencies the page names digits, which are kept to here.

use super::Currency;

/// What amounts of one currency have to be like. All are in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Which; empty for all that have no rule of their own.
    pub currency: &'static str,
    /// How many digits of an amount stand behind the point.
    pub decimals: u32,
    /// The least that can be charged, apart from nothing.
    pub smallest: i64,
    /// The most.
    pub largest: i64,
    /// Amounts are whole multiples of this.
    pub multiple: i64,
}

/// A currency with two decimals and no smallest amount of its own.
const OTHERS: Rule = Rule { currency: "", decimals: 2, smallest: 1, largest: 99_999_999, multiple: 1 };

const fn least(currency: &'static str, smallest: i64) -> Rule {
    Rule { currency, smallest, ..OTHERS }
}

const fn whole(currency: &'static str) -> Rule {
    Rule { currency, decimals: 0, ..OTHERS }
}

/// Three decimals, of which the last has to be 0.
const fn thousandths(currency: &'static str) -> Rule {
    Rule { currency, decimals: 3, smallest: 10, multiple: 10, ..OTHERS }
}

/// Without decimals, and still counted in hundredths.
const fn hundreds(currency: &'static str) -> Rule {
    Rule { currency, smallest: 100, multiple: 100, ..OTHERS }
}

const fn most(currency: &'static str, largest: i64) -> Rule {
    Rule { currency, largest, ..OTHERS }
}

static RULES: [Rule; 49] = [
    OTHERS,
    least("aed", 200),
    least("aud", 50),
    least("bgn", 100),
    least("brl", 50),
    least("cad", 50),
    least("chf", 50),
    least("czk", 1_500),
    least("dkk", 250),
    least("eur", 50),
    least("gbp", 30),
    least("hkd", 400),
    Rule { largest: 9_999_999_999, ..least("huf", 17_500) },
    Rule { largest: 999_999_999, ..least("inr", 50) },
    Rule { decimals: 0, largest: 9_999_999_999, ..least("jpy", 50) },
    least("mxn", 1_000),
    least("myr", 200),
    least("nok", 300),
    least("nzd", 50),
    least("pln", 200),
    least("ron", 200),
    least("sek", 300),
    least("sgd", 50),
    least("thb", 1_000),
    least("usd", 50),
    whole("bif"),
    whole("clp"),
    whole("djf"),
    whole("gnf"),
    whole("kmf"),
    whole("krw"),
    whole("mga"),
    whole("pyg"),
    whole("rwf"),
    whole("vnd"),
    whole("vuv"),
    whole("xaf"),
    whole("xof"),
    whole("xpf"),
    thousandths("bhd"),
    thousandths("jod"),
    thousandths("kwd"),
    thousandths("omr"),
    thousandths("tnd"),
    hundreds("isk"),
    hundreds("ugx"),
    most("cop", 9_999_999_999),
    most("idr", 999_999_999_999),
    most("lbp", 99_999_999_999),
];

/// Why an amount cannot be charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// Less than the smallest.
    TooSmall,
    /// More than the largest.
    TooLarge,
    /// No multiple.
    Uneven,
}

impl Rule {
    /// The rule of a currency.
    #[must_use]
    pub fn of(currency: &str) -> Self {
        RULES.iter().find(|rule| rule.currency == currency).copied().unwrap_or(OTHERS)
    }

    /// The rules that say more than how an amount is written, that of all other currencies among them.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        RULES.iter().filter(|rule| rule.currency.is_empty() || !rule.is_as_others())
    }

    fn is_as_others(&self) -> bool {
        *self == Self { currency: self.currency, decimals: self.decimals, ..OTHERS }
    }

    /// Why this much cannot be charged at once; nothing at all is not charged, and so fits.
    #[must_use]
    pub fn misfit(&self, amount: i64) -> Option<Misfit> {
        match amount {
            0 => None,
            _ if amount < self.smallest => Some(Misfit::TooSmall),
            _ => self.misfit_of_price(amount),
        }
    }

    /// Why nothing of this price can be sold. Below the smallest it can: some pieces may come to enough.
    #[must_use]
    pub fn misfit_of_price(&self, amount: i64) -> Option<Misfit> {
        if amount > self.largest {
            Some(Misfit::TooLarge)
        } else if amount % self.multiple != 0 {
            Some(Misfit::Uneven)
        } else {
            None
        }
    }

    /// The rule that was broken, for whoever asked.
    #[must_use]
    pub fn explain(&self, misfit: Misfit, currency: Currency) -> String {
        let bound = |words, amount| format!("must come to {words} {} {currency}", self.written(amount));
        match misfit {
            Misfit::TooSmall => bound("at least", self.smallest),
            Misfit::TooLarge => bound("at most", self.largest),
            Misfit::Uneven => bound("a multiple of", self.multiple),
        }
    }

    /// An amount as people write it.
    fn written(&self, amount: i64) -> String {
        let unit = 10_i64.pow(self.decimals);
        match usize::try_from(self.decimals) {
            Ok(decimals @ 1..) => format!("{}.{:0decimals$}", amount / unit, amount % unit),
            _ => amount.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_currency_has_one_rule_that_some_amount_fits() {
        let names: HashSet<_> = RULES.iter().map(|rule| rule.currency).collect();
        assert_eq!(names.len(), RULES.len());
        for rule in &RULES {
            assert!(rule.currency.is_empty() || Currency::parse(rule.currency).is_ok(), "{rule:?}");
            assert_eq!((rule.misfit(rule.smallest), rule.misfit(0)), (None, None), "{rule:?}");
            assert_eq!(rule.misfit(rule.smallest - 1).is_some(), rule.smallest > 1, "{rule:?}");
            assert_eq!(rule.misfit(rule.largest + rule.multiple), Some(Misfit::TooLarge), "{rule:?}");
        }
    }

    #[test]
    fn an_amount_is_refused_as_its_currency_is_charged_and_written() {
        for (currency, amount, why) in [
            ("usd", 49, "must come to at least 0.50 usd"),
            ("gbp", 29, "must come to at least 0.30 gbp"),
            ("jpy", 49, "must come to at least 50 jpy"),
            ("huf", 17_499, "must come to at least 175.00 huf"),
            ("eur", 100_000_000, "must come to at most 999999.99 eur"),
            ("krw", 100_000_000, "must come to at most 99999999 krw"),
            ("kwd", 5_124, "must come to a multiple of 0.010 kwd"),
            ("isk", 550, "must come to a multiple of 1.00 isk"),
        ] {
            let rule = Rule::of(currency);
            let told = rule
                .misfit(amount)
                .map(|misfit| rule.explain(misfit, Currency::parse(currency).expect("reads")));
            assert_eq!(told.as_deref(), Some(why), "{amount} {currency}");
        }
        for (currency, amount) in
            [("usd", 50), ("jpy", 100_000_000), ("kwd", 5_120), ("isk", 500), ("zzz", 1), ("usd", 0)]
        {
            assert_eq!(Rule::of(currency).misfit(amount), None, "{amount} {currency}");
        }
    }
}
