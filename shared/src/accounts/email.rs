//! E-mail addresses of new accounts.

use serde::{Deserialize, Deserializer, de};

use super::LONGEST_EMAIL;
use crate::text;

/// An address of the right shape. Whether somebody reads what is sent there, only sending would show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads an address; space around it is cut off.
    ///
    /// # Errors
    /// Says what an address looks like.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text::composed(text);
        let whole = text.rsplit_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
        if text::is_seen_whole(&text) && whole && text.chars().count() <= LONGEST_EMAIL {
            Ok(Self(text))
        } else {
            Err("must be an e-mail address of at most 254 characters such as ada@example.com")
        }
    }
}

impl<'de> Deserialize<'de> for Email {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_is_one_however_a_keyboard_writes_its_letters() {
        let [composed, not] = ["zo\u{e9}@example.com", "zoe\u{301}@example.com"].map(Email::parse);
        assert_eq!(composed, not);
    }

    #[test]
    fn it_takes_what_has_two_sides_and_no_space() {
        let longest = format!("{}@b", "ä".repeat(252));
        for good in
            ["ada@example.com", " ada@example.com\n", "\"a@b\"@example.com", "ä@bücher.example", &longest]
        {
            assert!(Email::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "@",
            "ada",
            "ada@",
            "@example.com",
            "a da@example.com",
            "a\0@b",
            // Other accounts than ada's, which nobody could tell from it.
            "ada\u{200b}@example.com",
            "ada@example.com\u{feff}",
            "\u{3164}@example.com",
            "a\u{2028}da@example.com",
            &format!("{}@b", "a".repeat(253)),
        ] {
            assert!(Email::parse(bad).is_err(), "{bad}");
        }
    }
}
