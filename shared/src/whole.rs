//! Whole numbers in a body, however JSON writes them: `7.0` and `7e0` are the number 7 to it, and to the schema of the
//! contract, and serde would take neither.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

/// A whole number that fits into a `T`.
pub(crate) struct Whole<T>(pub(crate) T);

impl<'de, T: TryFrom<i64>> Deserialize<'de> for Whole<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_i64(Reader(PhantomData)).map(Self)
    }
}

/// Reads a whole number.
pub(crate) fn whole<'de, D: Deserializer<'de>, T: TryFrom<i64>>(deserializer: D) -> Result<T, D::Error> {
    Whole::deserialize(deserializer).map(|Whole(number)| number)
}

/// Reads a whole number, or null.
pub(crate) fn whole_or_null<'de, D: Deserializer<'de>, T: TryFrom<i64>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(Option::<Whole<T>>::deserialize(deserializer)?.map(|Whole(number)| number))
}

struct Reader<T>(PhantomData<T>);

impl<T: TryFrom<i64>> Visitor<'_> for Reader<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("i64")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        T::try_from(number).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        match i64::try_from(number) {
            Ok(number) => self.visit_i64(number),
            Err(_) => Err(E::invalid_value(Unexpected::Unsigned(number), &self)),
        }
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        // What is written without a fraction has none, and is exact: a float of a whole number is that number.
        match format!("{number}").parse::<i64>() {
            Ok(number) => self.visit_i64(number),
            Err(_) => Err(E::invalid_type(Unexpected::Float(number), &self)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<i32, serde_json::Error> {
        whole(&mut serde_json::Deserializer::from_str(json))
    }

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        for (json, number) in [
            ("7", 7),
            ("7.0", 7),
            ("7e0", 7),
            ("1.2E1", 12),
            ("-0", 0),
            ("-0.0", 0),
            ("2147483647.0", i32::MAX),
        ] {
            assert_eq!(read(json).expect(json), number, "{json}");
        }
    }

    #[test]
    fn what_is_none_or_does_not_fit_is_refused() {
        let large = ["1e10", "1e300", "2147483648", "9223372036854775808"];
        for json in ["1.5", "-1e-1", "\"7\"", "null", "true", "[7]"].into_iter().chain(large) {
            assert!(read(json).is_err(), "{json}");
        }
    }
}
