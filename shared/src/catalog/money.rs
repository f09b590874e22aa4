//! Amounts of money.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::whole::whole;

/// An amount in the currency's minor unit (cents), as payment providers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// In minor units.
    #[serde(deserialize_with = "minor_units")]
    pub amount: i64,
    /// ISO 4217.
    pub currency: Currency,
}

impl Money {
    /// As a row has it: so much in this column, and its currency beside it.
    pub(crate) fn of_row(row: &PgRow, amount: &str) -> Result<Self, sqlx::Error> {
        let currency = Currency::parse(row.try_get("currency")?);
        let currency = currency.map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok(Self { amount: row.try_get(amount)?, currency })
    }
}

/// How much it may be, its currency says: see [`Rule`](super::Rule).
pub(crate) fn minor_units<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let amount = whole(deserializer)?;
    if amount >= 0 {
        Ok(amount)
    } else {
        Err(de::Error::custom("must be a whole number of minor units, 0 or more"))
    }
}

/// An ISO 4217 code in lower case, as Stripe writes it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Of each code.
    pub(crate) const CHARACTERS: usize = 3;

    /// Reads a code such as `usd`.
    ///
    /// # Errors
    /// Says what a code looks like.
    pub fn parse(code: &str) -> Result<Self, &'static str> {
        match <[u8; 3]>::try_from(code.as_bytes()) {
            Ok(letters) if letters.iter().all(u8::is_ascii_lowercase) => Ok(Self(letters)),
            _ => Err("must be a currency code of three lower-case letters, such as usd"),
        }
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl std::str::FromStr for Currency {
    type Err = &'static str;

    fn from_str(code: &str) -> Result<Self, Self::Err> {
        Self::parse(code)
    }
}

impl TryFrom<String> for Currency {
    type Error = &'static str;

    fn try_from(code: String) -> Result<Self, Self::Error> {
        Self::parse(&code)
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_minor_units_of_a_known_shape_and_nothing_else() {
        let money: Money = serde_json::from_str(r#"{"amount":1999,"currency":"usd"}"#).expect("reads");
        assert_eq!((money.amount, money.currency.as_str()), (1999, "usd"));
        for wrong in [
            r#"{"amount":-1,"currency":"usd"}"#,
            r#"{"amount":1.5,"currency":"usd"}"#,
            r#"{"amount":9223372036854775808,"currency":"usd"}"#,
            r#"{"amount":1,"currency":"USD"}"#,
            r#"{"amount":1,"currency":"dollar"}"#,
            r#"{"amount":1,"currency":"usd","tax":0}"#,
        ] {
            assert!(serde_json::from_str::<Money>(wrong).is_err(), "{wrong}");
        }
    }
}
