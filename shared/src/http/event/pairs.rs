//! Names and their values.

use std::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A dozen names and their values, so looking through them costs less than making a map of them would.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    /// Each name, and after it its value.
    text: String,
    /// Where each of these ends.
    ends: Vec<usize>,
}

impl Pairs {
    /// The value of a name, the last if there are several.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.find(|own| own == name)
    }

    /// The same for names in which the case of ASCII letters means nothing.
    pub(super) fn get_in_any_case(&self, name: &str) -> Option<&str> {
        self.find(|own| own.eq_ignore_ascii_case(name))
    }

    fn find(&self, is_meant: impl Fn(&str) -> bool) -> Option<&str> {
        let start = |pair: usize| if pair == 0 { 0 } else { self.ends[2 * pair - 1] };
        (0..self.ends.len() / 2).rev().find_map(|pair| {
            let middle = self.ends[2 * pair];
            is_meant(&self.text[start(pair)..middle]).then(|| &self.text[middle..self.ends[2 * pair + 1]])
        })
    }
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("names and values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
        let mut pairs = Pairs { text: String::with_capacity(512), ends: Vec::with_capacity(32) };
        loop {
            let start = pairs.text.len();
            if map.next_key_seed(Append(&mut pairs.text))?.is_none() {
                return Ok(pairs);
            }
            let middle = pairs.text.len();
            match map.next_value_seed(Append(&mut pairs.text))? {
                Appended::Text => pairs.ends.extend([middle, pairs.text.len()]),
                Appended::Nothing => pairs.text.truncate(start),
            }
        }
    }
}

/// Reads a text to the end of another; a list of them with commas between, as the gateway joins several values; null as
/// nothing at all.
struct Append<'a>(&'a mut String);

enum Appended {
    Text,
    Nothing,
}

impl<'de> DeserializeSeed<'de> for Append<'_> {
    type Value = Appended;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Appended, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Append<'_> {
    type Value = Appended;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Appended, E> {
        self.0.push_str(text);
        Ok(Appended::Text)
    }

    fn visit_unit<E: Error>(self) -> Result<Appended, E> {
        Ok(Appended::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Appended, A::Error> {
        let mut appended = Appended::Nothing;
        while let Some(value) = values.next_element::<String>()? {
            if matches!(appended, Appended::Text) {
                self.0.push(',');
            }
            self.0.push_str(&value);
            appended = Appended::Text;
        }
        Ok(appended)
    }
}
