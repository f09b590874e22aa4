//! Who is calling: only what was verified counts.
//!
//! `X-Forwarded-For` and unverified keys are never read: both would let a caller choose a fresh rate-limit bucket. An
//! address in a header counts only where [`Edge`] knows who wrote it.

use std::net::{IpAddr, Ipv4Addr};

use http::header::AUTHORIZATION;

use super::Event;
use crate::auth::{Authority, Error, User};
use crate::edge::Edge;
use crate::rate_limit::Identity;

/// The caller as far as it is known.
#[derive(Debug)]
pub(super) struct Caller {
    source: IpAddr,
    credential: Result<Option<User>, Error>,
}

impl Caller {
    /// `authority` verifies an access token; without it nobody needs to know whose that is.
    pub(super) async fn of(event: &Event, authority: Option<&Authority>, edge: &Edge) -> Self {
        let credential = match authority {
            Some(authority) => credential(event, authority).await,
            None => Ok(None),
        };
        Self { source: source_address(event, edge), credential }
    }

    /// The verified bearer; `None` without a token.
    pub(super) fn user(&self) -> Result<Option<&User>, &Error> {
        self.credential.as_ref().map(Option::as_ref)
    }

    /// Whom rate limits are charged to: the verified user, else the source address.
    pub(super) fn identity(&self) -> Identity {
        match &self.credential {
            Ok(Some(user)) => Identity::user(user.id.to_string()),
            _ => self.address(),
        }
    }

    /// The source address, whoever it is.
    pub(super) fn address(&self) -> Identity {
        Identity::address(self.source)
    }
}

fn source_address(event: &Event, edge: &Edge) -> IpAddr {
    // The gateway always knows its own peer. If it ever did not, everyone unknown would share one bucket: strict, but
    // safe.
    let peer = || event.source_ip().and_then(|address| address.parse().ok());
    edge.viewer(|name| event.header(name)).or_else(peer).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

async fn credential(event: &Event, authority: &Authority) -> Result<Option<User>, Error> {
    let Some(header) = event.header(AUTHORIZATION.as_str()) else { return Ok(None) };
    let (scheme, token) = header.split_once(' ').ok_or(Error::Invalid)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Error::Invalid);
    }
    authority.verify(token.trim()).await.map(Some)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::auth::SigningKey;
    use crate::auth::token::Verifier;

    const SECRET: &str = "vL3kqWmJ8rT5yPz2Xc7bNd4hGf9sAe6uQo1iRwE0tYx";

    /// Whom a request from this peer is charged to, with what it says of itself.
    async fn charged(peer: &str, says: Option<&str>, secret: Option<&str>) -> Identity {
        let event = json!({
            "headers": {
                "cloudfront-viewer-address": says, "x-forwarded-for": says, "millrace-edge-secret": secret
            },
            "requestContext": { "http": { "sourceIp": peer } }
        });
        let event: Event = serde_json::from_str(&event.to_string()).expect("an event");
        let key = SigningKey::new(&"9d".repeat(32)).expect("a key").public_key();
        let edge = Edge::new(&Edge::hashes_of(SECRET).expect("long enough")).expect("hashes");
        let authority = Authority::Shop(Box::new(Verifier::new(&key).expect("a key")));
        Caller::of(&event, Some(&authority), &edge).await.identity()
    }

    fn address(text: &str) -> Identity {
        Identity::address(text.parse().expect("an address"))
    }

    #[tokio::test]
    async fn callers_behind_cloudfront_are_told_apart() {
        for viewer in ["192.0.2.1", "192.0.2.2", "2001:db8::1"] {
            let says = format!("{viewer}:46532");
            assert_eq!(charged("203.0.113.9", Some(&says), Some(SECRET)).await, address(viewer));
        }
    }

    #[tokio::test]
    async fn a_header_that_anybody_can_write_makes_nobody_another_caller() {
        for secret in [None, Some("guessed"), Some("vL3kqWmJ8rT5yPz2Xc7bNd4hGf9sAe6uQo1iRwE0tYy")] {
            for says in [None, Some("192.0.2.1:46532"), Some("192.0.2.2:1")] {
                assert_eq!(
                    charged("203.0.113.9", says, secret).await,
                    address("203.0.113.9"),
                    "{says:?} {secret:?}"
                );
            }
        }
    }

    #[tokio::test]
    async fn cloudfront_that_does_not_say_whom_it_serves_is_a_caller_itself() {
        for says in [None, Some("nobody"), Some("192.0.2.1:1,192.0.2.2:2")] {
            assert_eq!(charged("203.0.113.9", says, Some(SECRET)).await, address("203.0.113.9"));
        }
    }
}
