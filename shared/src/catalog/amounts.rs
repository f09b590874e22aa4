//! What the payment provider takes, by currency: the one table of it, for prices, carts and the provider's double.
//!
//! Source: <https://docs.stripe.com/currencies>, as of 2026-11-28. The smallest amount is that of an account that is
//! paid out in the same currency; where Stripe converts, its own rate decides, and a refusal for it calls an operator.
//! Of larger amounts in a few currencies the page names digits, which are kept to here. The currencies are those that
//! the page lists for accounts of any country, and that Stripe's own refusal of others names. Without those that have
//! come to an end, which the refusal still names. Which of them an account may charge in depends on its country.

use super::Currency;

/// What amounts of some currencies have to be like. All are in minor units.
#[derive(Debug)]
pub struct Rule {
    /// Which, with spaces between them.
    pub currencies: &'static str,
    /// How many digits of an amount stand behind the point.
    pub decimals: u32,
    /// The least that can be charged, apart from nothing.
    pub smallest: i64,
    /// The most.
    pub largest: i64,
    /// Amounts are whole multiples of this.
    pub multiple: i64,
}

/// Two decimals and no smallest amount of their own.
const fn plain(currencies: &'static str) -> Rule {
    Rule { currencies, decimals: 2, smallest: 1, largest: 99_999_999, multiple: 1 }
}

const fn least(smallest: i64, currencies: &'static str) -> Rule {
    Rule { smallest, ..plain(currencies) }
}

const fn most(largest: i64, currencies: &'static str) -> Rule {
    Rule { largest, ..plain(currencies) }
}

static RULES: [Rule; 19] = [
    plain(
        "afn all amd ang aoa ars awg azn bam bbd bdt bmd bnd bob bsd btn bwp byn bzd cdf cny crc cve dop dzd egp etb \
         fjd fkp gel ghs gip gmd gtq gyd hnl htg ils jmd kes kgs khr kyd kzt lak lkr lrd lsl mad mdl mkd mmk mnt mop \
         mur mvr mwk mzn nad ngn nio npr pab pen pgk php pkr qar rsd rub sar sbd scr shp sle sos srd std szl tjs top \
         try ttd twd tzs uah uyu uzs wst xcd xcg yer zar zmw",
    ),
    least(30, "gbp"),
    least(50, "aud brl cad chf eur nzd sgd usd"),
    least(100, "bgn"),
    least(200, "aed myr pln ron"),
    least(250, "dkk"),
    least(300, "nok sek"),
    least(400, "hkd"),
    least(1_000, "mxn thb"),
    least(1_500, "czk"),
    Rule { largest: 9_999_999_999, ..least(17_500, "huf") },
    Rule { largest: 999_999_999, ..least(50, "inr") },
    most(9_999_999_999, "cop"),
    most(99_999_999_999, "lbp"),
    most(999_999_999_999, "idr"),
    Rule { decimals: 0, ..plain("bif clp djf gnf kmf krw mga pyg rwf vnd vuv xaf xof xpf") },
    Rule { decimals: 0, largest: 9_999_999_999, ..least(50, "jpy") },
    // The last of three decimals has to be 0.
    Rule { decimals: 3, multiple: 10, ..least(10, "bhd jod kwd omr tnd") },
    // Without decimals, and still counted in hundredths.
    Rule { multiple: 100, ..least(100, "isk ugx") },
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
    /// The rule of a currency; none if it is not a currency that is charged.
    #[must_use]
    pub fn of(currency: &str) -> Option<&'static Self> {
        RULES.iter().find(|rule| rule.currencies.split(' ').any(|one| one == currency))
    }

    /// All rules.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        RULES.iter()
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
        let mut names = HashSet::new();
        for rule in &RULES {
            for currency in rule.currencies.split(' ') {
                assert!(Currency::parse(currency).is_ok() && names.insert(currency), "{currency}");
            }
            assert_eq!((rule.misfit(rule.smallest), rule.misfit(0)), (None, None), "{rule:?}");
            assert_eq!(rule.misfit(rule.smallest - 1).is_some(), rule.smallest > 1, "{rule:?}");
            assert_eq!(rule.misfit(rule.largest + rule.multiple), Some(Misfit::TooLarge), "{rule:?}");
        }
        assert_eq!(names.len(), 142);
    }

    #[test]
    fn what_is_no_currency_or_one_no_more_has_no_rule() {
        for currency in
            ["zzz", "", " ", "USD", "usd ", "usd eur", "hrk", "ltl", "mro", "sll", "usdc", "xau", "irr"]
        {
            assert!(Rule::of(currency).is_none(), "{currency}");
        }
        for currency in ["afn", "zmw", "usd", "kwd", "isk", "xcg"] {
            assert!(Rule::of(currency).is_some(), "{currency}");
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
            let rule = Rule::of(currency).expect("is charged");
            let told = rule
                .misfit(amount)
                .map(|misfit| rule.explain(misfit, Currency::parse(currency).expect("reads")));
            assert_eq!(told.as_deref(), Some(why), "{amount} {currency}");
        }
        for (currency, amount) in
            [("usd", 50), ("jpy", 100_000_000), ("kwd", 5_120), ("isk", 500), ("zar", 1), ("usd", 0)]
        {
            assert_eq!(Rule::of(currency).map(|rule| rule.misfit(amount)), Some(None), "{amount} {currency}");
        }
    }
}
