//! Who is calling: only what was verified counts.
//!
//! `X-Forwarded-For` and unverified keys are never read: both would let a caller choose a fresh rate-limit bucket.

use std::net::{IpAddr, Ipv4Addr};

use http::header::AUTHORIZATION;

use super::Event;
use crate::{
    auth::token::{Claims, Error, Verifier},
    rate_limit::Identity,
};

/// The caller as far as it is known.
#[derive(Debug)]
pub(super) struct Caller {
    source: IpAddr,
    credential: Result<Option<Claims>, Error>,
}

impl Caller {
    pub(super) fn of(event: &Event, verifier: &Verifier) -> Self {
        Self { source: source_address(event), credential: credential(event, verifier) }
    }

    /// The verified bearer; `None` without a token.
    pub(super) fn claims(&self) -> Result<Option<&Claims>, &Error> {
        self.credential.as_ref().map(Option::as_ref)
    }

    /// Whom rate limits are charged to: the verified user, else the source address.
    pub(super) fn identity(&self) -> Identity {
        match &self.credential {
            Ok(Some(claims)) => Identity::user(claims.sub.to_string()),
            _ => Identity::address(self.source),
        }
    }
}

fn source_address(event: &Event) -> IpAddr {
    // The gateway always knows it. If it ever did not, everyone unknown would share one bucket: strict, but safe.
    event.source_ip().and_then(|address| address.parse().ok()).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

fn credential(event: &Event, verifier: &Verifier) -> Result<Option<Claims>, Error> {
    let Some(header) = event.header(AUTHORIZATION.as_str()) else { return Ok(None) };
    let (scheme, token) = header.split_once(' ').ok_or(Error::Invalid)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Error::Invalid);
    }
    verifier.verify(token.trim()).map(Some)
}
