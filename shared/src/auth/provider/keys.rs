//! The keys that a provider publishes (RFC 7517), as far as they are of use: one algorithm each, and strong enough.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse, RSAKeyParameters,
};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// What tokens may be signed with. None of them is a secret that we would share (HS…), and "none" is not an algorithm.
pub(super) const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

/// Shorter RSA keys can be broken (NIST SP 800-131A), and longer ones than 8192 bits are there to keep us busy.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A provider has some keys; each costs memory and a look.
const MOST_KEYS: usize = 100;

/// One key.
#[derive(Debug)]
pub(super) struct Key {
    name: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) decoding: DecodingKey,
}

/// All that are of use.
#[derive(Debug)]
pub(super) struct KeySet(Vec<Arc<Key>>);

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

impl KeySet {
    /// From a provider's JWK set. What is in it for others, or unknown to us, is passed over.
    pub(super) fn read(document: &[u8]) -> Result<Self, &'static str> {
        let document: Document = serde_json::from_slice(document).map_err(|_| "that is not a JWK set")?;
        let keys = document.keys.into_iter().take(MOST_KEYS);
        let read = |key| Key::read(&serde_json::from_value(key).ok()?).map(Arc::new);
        let keys: Vec<_> = keys.filter_map(read).collect();
        if keys.is_empty() { Err("no key in it is of RS256, ES256 or EdDSA") } else { Ok(Self(keys)) }
    }

    /// The key of this name and algorithm. Without a name the only key of the algorithm, if there is but one.
    pub(super) fn find(&self, name: Option<&str>, algorithm: Algorithm) -> Option<Arc<Key>> {
        let fits =
            |key: &&Arc<Key>| key.algorithm == algorithm && (name.is_none() || key.name.as_deref() == name);
        let mut fitting = self.0.iter().filter(fits);
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Some(Arc::clone(key)),
            _ => None,
        }
    }

    /// Whether there is a key of this name, of whatever algorithm.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.0.iter().any(|key| key.name.as_deref() == Some(name))
    }
}

impl Key {
    fn read(key: &Jwk) -> Option<Self> {
        let about = &key.common;
        let for_signatures = about.public_key_use.as_ref().is_none_or(|of| *of == PublicKeyUse::Signature);
        let for_verifying = about
            .key_operations
            .as_ref()
            .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
        let algorithm = algorithm(&key.algorithm)?;
        // A key that says what it is for is for nothing else.
        let says_so = about.key_algorithm.as_ref().is_none_or(|says| *says == KeyAlgorithm::from(algorithm));
        let usable = for_signatures && for_verifying && says_so;
        let decoding = DecodingKey::from_jwk(key).ok().filter(|_| usable)?;
        Some(Self { name: about.key_id.clone(), algorithm, decoding })
    }
}

/// The only algorithm that keys of this kind are used with here, whatever a token says.
fn algorithm(key: &AlgorithmParameters) -> Option<Algorithm> {
    match key {
        AlgorithmParameters::RSA(key) if is_strong(key) => Some(Algorithm::RS256),
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Some(Algorithm::ES256),
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            Some(Algorithm::EdDSA)
        }
        _ => None,
    }
}

fn is_strong(key: &RSAKeyParameters) -> bool {
    let modulus = BASE64_URL_SAFE_NO_PAD.decode(&key.n).unwrap_or_default();
    let zeros: usize = match modulus.iter().position(|byte| *byte != 0) {
        Some(at) => at * 8 + modulus[at].leading_zeros() as usize,
        None => return false,
    };
    RSA_BITS.contains(&(modulus.len() * 8 - zeros))
}
