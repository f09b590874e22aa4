//! Policies and callers.

use std::net::IpAddr;
use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD;

use crate::text;

/// At most `limit` calls of one caller in any `window`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What answers call it, as in `RateLimit-Policy: "api";q=100;w=60`.
    pub name: &'static str,
    /// The calls allowed in one window.
    pub limit: u32,
    /// The length of the window.
    pub window: Duration,
    /// The calls that one environment allows in one window when Redis is away. Many environments then count each for
    /// itself, so what guards passwords or money is stricter.
    pub degraded_limit: u32,
}

impl Policy {
    /// `limit` calls a minute, with or without Redis.
    #[must_use]
    pub const fn per_minute(name: &'static str, limit: u32) -> Self {
        Self { name, limit, window: Duration::from_mins(1), degraded_limit: limit }
    }

    /// The same policy, with another limit for each environment when Redis is away.
    #[must_use]
    pub const fn degraded(self, degraded_limit: u32) -> Self {
        Self { degraded_limit, ..self }
    }

    /// What one environment applies when Redis is away, and says in its answers.
    pub(super) const fn without_redis(self) -> Self {
        Self { limit: self.degraded_limit, ..self }
    }

    pub(super) fn window_ms(&self) -> u64 {
        u64::try_from(self.window.as_millis()).unwrap_or(u64::MAX)
    }
}

/// Who calls. Only what was verified may become an identity: a header that callers write themselves would let them
/// choose a fresh quota for each call. What is stored of it is a hash.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity(String);

impl Identity {
    /// A user whose access token was verified.
    pub fn user(id: impl AsRef<str>) -> Self {
        Self::hashed("user", id.as_ref().as_bytes())
    }

    /// The account that somebody tries to log in to, by its e-mail address: letter by letter, as Postgres' `lower`
    /// finds it. By Rust's rules for words, `İ` becomes two letters and a last `Σ` another than the one before it, and
    /// an account would have as many counts as spellings.
    pub fn account(email: impl AsRef<str>) -> Self {
        let email = text::composed(email.as_ref());
        let lower: String = email.chars().filter_map(|letter| letter.to_lowercase().next()).collect();
        Self::hashed("account", lower.as_bytes())
    }

    /// The source address of the connection, never one from X-Forwarded-For. IPv6 counts by /64: a single subscriber
    /// usually has that many addresses to choose from.
    #[must_use]
    pub fn address(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::hashed("ipv4", &address.octets()),
            IpAddr::V6(address) => Self::hashed("ipv6", &address.octets()[..8]),
        }
    }

    /// 96 bits are enough to keep callers apart, and short enough for the key of a 100-byte entry.
    fn hashed(kind: &str, value: &[u8]) -> Self {
        let hash = digest::digest(&digest::SHA256, &[kind.as_bytes(), b":", value].concat());
        Self(URL_SAFE_NO_PAD.encode(&hash.as_ref()[..12]))
    }

    pub(super) fn key(&self, policy: &Policy) -> String {
        format!("rate:{{{}}}:{}", self.0, policy.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const API: Policy = Policy::per_minute("api", 100);
    const LOGIN: Policy = Policy::per_minute("login", 5);

    fn address(text: &str) -> Identity {
        Identity::address(text.parse().expect("an address"))
    }

    #[test]
    fn ipv6_callers_are_told_apart_by_their_first_64_bits() {
        assert_eq!(address("2001:db8:1:2::1"), address("2001:db8:1:2:ffff::9"));
        assert_ne!(address("2001:db8:1:2::1"), address("2001:db8:1:3::1"));
    }

    #[test]
    fn an_ipv4_address_is_the_same_caller_in_its_ipv6_form() {
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
    }

    #[test]
    fn the_same_text_of_another_kind_is_another_caller() {
        assert_ne!(Identity::user("a"), Identity::account("a"));
        assert_eq!(Identity::account(" Ann@Example.com "), Identity::account("ann@example.com"));
        assert_eq!(Identity::account("zo\u{e9}@a.example"), Identity::account("zoe\u{301}@a.example"));
        assert_eq!(Identity::account("al\u{130}ce@a.example"), Identity::account("alice@a.example"));
        assert_eq!(Identity::account("NIKOΣ@a.example"), Identity::account("nikoσ@a.example"));
    }

    #[test]
    fn keys_show_nothing_of_the_caller_and_share_a_hash_tag() {
        let caller = Identity::account("ann@example.com");
        let tag = |key: String| key.split('}').next().map(str::to_owned);
        assert!(!caller.key(&LOGIN).contains("ann"));
        assert_eq!(tag(caller.key(&LOGIN)), tag(caller.key(&API)));
    }
}
