//! Which passwords may be chosen: the rules of NIST SP 800-63B-4, section 3.1.1.2, for a password that is the only
//! factor.
//!
//! At least 15 characters, counted as Unicode counts them; every character may be used, spaces among them; nothing is
//! asked of their kind, and nobody has to change a password for its age. What is known to be common is refused, by the
//! lists of `zxcvbn`, which also knows the caller's own address, repetitions and runs on the keyboard.

use serde::{Deserialize, Deserializer, de};
use zxcvbn::{Score, zxcvbn};

use super::password::composed;

/// The least and the most characters. The standard asks for at least 15, and for at least 64 to be taken.
const LENGTH: std::ops::RangeInclusive<usize> = 15..=128;

/// So many characters are judged, which are hard enough to guess by themselves or are not. What all of them cost
/// grows with their square, and with every sign that may stand for a letter: nine seconds for a hundred (unoptimised),
/// for anybody who asks.
const JUDGED: usize = 40;

/// A password that is long enough. Whether it is a common one is asked with [`NewPassword::commonness`].
#[derive(Clone)]
pub struct NewPassword(String);

impl NewPassword {
    /// Why it is too easy to guess for the owner of this address; `None` if it is not: nobody gets it within a million
    /// tries of the likeliest.
    #[must_use]
    pub fn commonness(&self, email: &str) -> Option<&'static str> {
        let local_part = email.split('@').next().unwrap_or_default();
        let judged: String = self.0.chars().take(JUDGED).collect();
        let estimate = zxcvbn(&judged, &[email, local_part, "millrace"]);
        (estimate.score() < Score::Two).then_some("is too easy to guess; use a few unrelated words")
    }

    /// The password itself.
    #[must_use]
    pub fn reveal(self) -> String {
        self.0
    }
}

impl<'de> Deserialize<'de> for NewPassword {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let password = composed(&String::deserialize(deserializer)?);
        if LENGTH.contains(&password.chars().count()) {
            Ok(Self(password))
        } else {
            let (least, most) = (LENGTH.start(), LENGTH.end());
            let message =
                format!("must have {least} to {most} characters; any character is allowed, spaces too");
            Err(de::Error::custom(message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(password: &str) -> Result<NewPassword, serde_json::Error> {
        serde_json::from_value(password.into())
    }

    #[test]
    fn characters_are_counted_and_not_bytes_and_any_will_do() {
        for short in ["", "fourteen chars", &"é".repeat(14), &"x".repeat(129)] {
            assert!(read(short).is_err(), "{short}");
        }
        for long in ["fifteen letters", &"é".repeat(15), &"日本語".repeat(5), &"x y".repeat(42)] {
            assert!(read(long).is_ok(), "{long}");
        }
    }

    #[test]
    fn what_is_common_or_the_callers_own_is_refused() {
        let common = |password: &str| {
            read(password).expect("long enough").commonness("ada.lovelace@example.com").is_some()
        };
        for easy in [
            "passwordpassword",
            "aaaaaaaaaaaaaaaaaaaa",
            "123456789012345678",
            "qwertyuiopasdfghjkl",
            "ada.lovelace@example.com",
            "millracemillrace",
            // Where it is long, by its beginning.
            &format!("{}9Qf2-pLx8_vTr4mZ", "a".repeat(JUDGED)),
        ] {
            assert!(common(easy), "{easy}");
        }
        for good in ["follow the water down", "correct horse battery staple", "9Qf2-pLx8_vTr4mZ"] {
            assert!(!common(good), "{good}");
        }
    }
}
