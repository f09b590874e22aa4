//! Refresh tokens: for whoever has one, the next access token and the next refresh token.
//!
//! A token is good once. Its first 16 bytes name the sign-in that it belongs to, the other 32 are secret, and what is
//! stored of it is a digest. Because the name stands in the token, a token that was used before is known as one of that
//! sign-in, although nothing is kept of it (RFC 9700, section 4.14.2).

use std::fmt;

use aws_lc_rs::{digest, rand};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, de};
use uuid::Uuid;

/// A refresh token. Whoever prints it for debugging sees nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken {
    sign_in: Uuid,
    secret: [u8; 32],
}

impl RefreshToken {
    /// In base64.
    pub const CHARACTERS: usize = 64;

    /// The first token of a new sign-in.
    ///
    /// # Errors
    /// Only where the system has no randomness.
    pub fn first() -> Result<Self, aws_lc_rs::error::Unspecified> {
        let mut id = [0; 16];
        rand::fill(&mut id)?;
        Self::of(uuid::Builder::from_random_bytes(id).into_uuid())
    }

    /// The next token of the same sign-in.
    ///
    /// # Errors
    /// Only where the system has no randomness.
    pub fn next(&self) -> Result<Self, aws_lc_rs::error::Unspecified> {
        Self::of(self.sign_in)
    }

    fn of(sign_in: Uuid) -> Result<Self, aws_lc_rs::error::Unspecified> {
        let mut secret = [0; 32];
        rand::fill(&mut secret)?;
        Ok(Self { sign_in, secret })
    }

    /// The sign-in that it belongs to.
    #[must_use]
    pub fn sign_in(&self) -> Uuid {
        self.sign_in
    }

    /// What is stored of it, in hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> String {
        let digest = digest::digest(&digest::SHA256, &self.secret);
        digest.as_ref().iter().fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"))
    }

    /// The token, for its bearer alone.
    #[must_use]
    pub fn reveal(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode([self.sign_in.as_bytes().as_slice(), &self.secret].concat())
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 48] = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (id, secret) = bytes.split_first_chunk::<16>()?;
        Some(Self { sign_in: Uuid::from_bytes(*id), secret: secret.try_into().ok()? })
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RefreshToken")
    }
}

impl<'de> Deserialize<'de> for RefreshToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("must be the refresh_token of an earlier answer"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_the_journey_to_its_bearer_and_back() {
        let first = RefreshToken::first().expect("randomness");
        assert_eq!(RefreshToken::parse(&first.reveal()), Some(first.clone()));
        assert_eq!(first.reveal().len(), 64);
        assert_eq!(first.digest().len(), 64);
    }

    #[test]
    fn the_next_token_is_another_one_of_the_same_sign_in() {
        let first = RefreshToken::first().expect("randomness");
        let next = first.next().expect("randomness");
        assert_eq!(first.sign_in(), next.sign_in());
        assert_ne!(first.digest(), next.digest());
    }

    #[test]
    fn what_is_none_is_refused_and_nothing_secret_is_printed() {
        let token = RefreshToken::first().expect("randomness");
        for text in
            ["", "abc", "!".repeat(64).as_str(), &token.reveal()[1..], &format!("{}AAAA", token.reveal())]
        {
            assert_eq!(RefreshToken::parse(text), None, "{text}");
        }
        assert_eq!(format!("{token:?}"), "RefreshToken");
    }
}
