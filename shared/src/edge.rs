//! CloudFront in front of the gateway, and how it is known from somebody who says that he is CloudFront.
//!
//! The gateway then sees CloudFront's address in place of the caller's. CloudFront writes the caller's into a header,
//! which anybody else could write too; so it also shows a secret (`infrastructure/edge.yaml`), and only beside it the
//! header counts. Functions know the secret by a hash in their environment: no permission, no call to Secrets Manager,
//! and nothing to steal.

use std::net::IpAddr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// Set by CloudFront, whatever the caller sent under this name.
const SECRET: &str = "millrace-edge-secret";
/// Address and port of who connected to CloudFront.
const VIEWER: &str = "cloudfront-viewer-address";

/// While a secret is rotated there are two.
const MOST_AT_ONCE: usize = 4;
/// A shorter secret could be found from its hash by trying.
const SHORTEST: usize = 32;

/// By what requests of CloudFront are known. Without a hash none is.
#[derive(Debug, Default)]
pub struct Edge {
    hashes: Vec<Hash>,
}

type Hash = [u8; SHA256_OUTPUT_LEN];

/// What is not a list of hashes, or not a secret to make them of. Its text holds neither.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// See `EDGE_SECRET_HASHES`.
    #[error(
        "EDGE_SECRET_HASHES must be what `migrate` has made of the secret: hashes with commas between them"
    )]
    Hashes,
    /// See `EDGE_SECRET`.
    #[error("EDGE_SECRET must be of {SHORTEST} characters or more, or two such with a comma between them")]
    Secret,
}

impl Edge {
    /// From what [`Edge::hashes_of`] has made; an empty text is no CloudFront at all.
    pub fn new(hashes: &str) -> Result<Self, Error> {
        let hashes = parts(hashes).map(|text| {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| Error::Hashes)?;
            Hash::try_from(bytes).map_err(|_| Error::Hashes)
        });
        Ok(Self { hashes: hashes.collect::<Result<_, _>>()? })
    }

    /// The hashes of a secret, or of several with commas between them, in the form that [`Edge::new`] reads.
    pub fn hashes_of(secrets: &str) -> Result<String, Error> {
        let hashes: Vec<_> =
            parts(secrets).map(|secret| BASE64_URL_SAFE_NO_PAD.encode(hash(secret))).collect();
        let long_enough = parts(secrets).all(|secret| secret.len() >= SHORTEST);
        if hashes.is_empty() || !long_enough { Err(Error::Secret) } else { Ok(hashes.join(",")) }
    }

    /// Who called CloudFront, if a request with these headers came through it; names are asked for in lower case.
    pub fn viewer<'a>(&self, header: impl Fn(&str) -> Option<&'a str>) -> Option<IpAddr> {
        if self.hashes.is_empty() || !self.knows(header(SECRET)?) {
            return None;
        }
        address(header(VIEWER)?)
    }

    /// In the time that as many comparisons take, whichever is right. While the secret is rotated both sides may hold
    /// two.
    fn knows(&self, shown: &str) -> bool {
        let shown = parts(shown).take(MOST_AT_ONCE).map(hash);
        shown.fold(false, |known, shown| {
            self.hashes
                .iter()
                .fold(known, |known, hash| verify_slices_are_equal(hash, &shown).is_ok() | known)
        })
    }
}

fn parts(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|part| !part.is_empty())
}

fn hash(secret: &str) -> Hash {
    let mut hash = Hash::default();
    hash.copy_from_slice(digest(&SHA256, secret.as_bytes()).as_ref());
    hash
}

/// `192.0.2.1:46532`, and without brackets `2001:db8::1:46532`. Anything else, two joined by a comma included, is none.
fn address(with_port: &str) -> Option<IpAddr> {
    let (address, port) = with_port.trim().rsplit_once(':')?;
    port.parse::<u16>().ok()?;
    address.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET_VALUE: &str = "vL3kqWmJ8rT5yPz2Xc7bNd4hGf9sAe6uQo1iRwE0tYx";
    const NEXT: &str = "next-vL3kqWmJ8rT5yPz2Xc7bNd4hGf9sAe6uQo1iRw";

    fn edge(secrets: &str) -> Edge {
        Edge::new(&Edge::hashes_of(secrets).expect("long enough")).expect("hashes")
    }

    fn headers<'a>(headers: &[(&str, &'a str)], wanted: &str) -> Option<&'a str> {
        headers.iter().find_map(|(name, value)| (*name == wanted).then_some(*value))
    }

    fn viewer(edge: &Edge, secret: &str, address: &str) -> Option<String> {
        let sent = [(SECRET, secret), (VIEWER, address)];
        edge.viewer(|name| headers(&sent, name)).map(|address| address.to_string())
    }

    #[test]
    fn cloudfront_is_believed_whom_it_serves() {
        let edge = edge(SECRET_VALUE);
        for (written, meant) in [
            ("192.0.2.1:46532", "192.0.2.1"),
            ("2001:db8::1:46532", "2001:db8::1"),
            ("2001:db8:0:1:2:3:4:5:443", "2001:db8:0:1:2:3:4:5"),
            ("[2001:db8::1]:46532", "2001:db8::1"),
        ] {
            assert_eq!(viewer(&edge, SECRET_VALUE, written).as_deref(), Some(meant), "{written}");
        }
    }

    #[test]
    fn nobody_is_cloudfront_who_does_not_know_its_secret() {
        let edge = edge(SECRET_VALUE);
        let nearly = SECRET_VALUE.to_lowercase();
        let hashes = Edge::hashes_of(SECRET_VALUE).expect("long enough");
        for shown in ["", ",", "secret", &SECRET_VALUE[1..], &nearly, &hashes, NEXT] {
            assert_eq!(viewer(&edge, shown, "192.0.2.1:1"), None, "{shown}");
        }
        assert_eq!(edge.viewer(|name| headers(&[(VIEWER, "192.0.2.1:1")], name)), None);
    }

    #[test]
    fn where_there_is_no_cloudfront_nothing_is_believed() {
        let none = Edge::new("").expect("no hashes");
        for shown in ["", SECRET_VALUE] {
            assert_eq!(viewer(&none, shown, "192.0.2.1:1"), None);
        }
    }

    #[test]
    fn an_address_that_is_none_is_not_guessed_at() {
        let edge = edge(SECRET_VALUE);
        for address in ["", "192.0.2.1", "192.0.2.1:", "192.0.2.1:x", "192.0.2.1:1, 192.0.2.2:2", "a:1", ":1"]
        {
            assert_eq!(viewer(&edge, SECRET_VALUE, address), None, "{address}");
        }
        assert_eq!(edge.viewer(|name| headers(&[(SECRET, SECRET_VALUE)], name)), None);
    }

    #[test]
    fn while_the_secret_is_rotated_either_side_may_be_ahead() {
        let both = format!("{NEXT},{SECRET_VALUE}");
        for (known, shown) in [(&*both, SECRET_VALUE), (SECRET_VALUE, &*both), (&both, &both), (&both, NEXT)]
        {
            assert!(viewer(&edge(known), shown, "192.0.2.1:1").is_some(), "{known} / {shown}");
        }
        assert_eq!(viewer(&edge(NEXT), SECRET_VALUE, "192.0.2.1:1"), None);
    }

    #[test]
    fn guesses_do_not_come_by_the_hundred() {
        let guesses = format!("{}{SECRET_VALUE}", "a,".repeat(MOST_AT_ONCE));
        assert_eq!(viewer(&edge(SECRET_VALUE), &guesses, "192.0.2.1:1"), None);
    }

    #[test]
    fn a_secret_that_could_be_found_from_its_hash_is_refused() {
        for secrets in ["", "short", &format!("{SECRET_VALUE},short")] {
            let error = Edge::hashes_of(secrets).expect_err("too short").to_string();
            assert!(!error.contains("short"), "{error}");
        }
        assert!(Edge::new("not-a-hash").is_err() && Edge::new("AAAA").is_err());
    }
}
