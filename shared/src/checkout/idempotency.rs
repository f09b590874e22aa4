//! Idempotency keys: one request, however often it is sent.
//!
//! The IETF draft (draft-ietf-httpapi-idempotency-key-header-07) writes the key as a quoted string, Stripe's world
//! writes it bare; both mean one value here. A bare key has no comma, because two lines of the header arrive as one
//! with a comma between: `k` and `k,k` would be two purchases. A key belongs to its user and lives in the order's own
//! row, so that it is taken in the same statement that places the order: a store beside the database lets two callers
//! run.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};

use crate::error::{Error, Kind, Result, bad_request};
use crate::orders::OrderId;

/// What a caller names a request by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The key of a request, from its header.
    ///
    /// # Errors
    /// 400 without one, and for one that cannot be read.
    pub fn of_header(header: Option<&str>) -> Result<Self> {
        let Some(header) = header else {
            let detail =
                "Send an Idempotency-Key header, so that a repeated request is not carried out twice.";
            return Err(Error::new(Kind::IdempotencyKeyMissing, detail));
        };
        header.parse().map_err(|message: &str| {
            bad_request("The Idempotency-Key is not valid.").field("Idempotency-Key", message)
        })
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for IdempotencyKey {
    type Err = &'static str;

    fn from_str(header: &str) -> Result<Self, Self::Err> {
        let header = header.trim();
        let bare = header.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(header);
        let visible = bare.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
        let one = bare.len() < header.len() || !bare.contains(',');
        if visible && one && (1..=255).contains(&bare.len()) {
            Ok(Self(bare.to_owned()))
        } else {
            Err(
                "must be one key of 1 to 255 visible ASCII characters, without quotes inside, and in quotes if it has commas; a \
                UUID is a good choice",
            )
        }
    }
}

/// A digest of the body that came with a key, to tell a repeated request from another one under the same key. In
/// hexadecimal digits: bytes come back from Postgres in a form that a setting decides.
pub(super) fn request_digest(body: &[u8]) -> String {
    digest(&SHA256, body).as_ref().iter().fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"))
}

/// For a request whose order somebody else has in hand: the first request with its key, or whoever took over after it.
pub(super) fn in_progress(order: OrderId) -> Error {
    let detail = "Another request for this order is still running, or ended without learning how the payment went. \
        Send the same request again.";
    Error::new(Kind::RequestInProgress, detail).retry_after(Duration::from_secs(2)).about(order.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_key_and_a_bare_one_are_the_same() {
        let quoted: IdempotencyKey = "\"8e03978e-40d5\"".parse().expect("reads");
        assert_eq!(quoted, "8e03978e-40d5".parse().expect("reads"));
        assert_eq!("\"a,b\"".parse::<IdempotencyKey>().expect("one key").as_str(), "a,b");
    }

    #[test]
    fn it_refuses_keys_that_are_empty_too_long_or_not_plain() {
        for wrong in ["", "\"\"", "a b", "a\"b", "clé", "k,k", "k, k", "\"k\",\"k\"", &"x".repeat(256)] {
            assert!(wrong.parse::<IdempotencyKey>().is_err(), "{wrong}");
        }
    }
}
