//! The key that access tokens are signed with.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::EncodingKey;

use super::error::Error;

/// An Ed25519 key pair, from the setting `TOKEN_PRIVATE_KEY`.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// From the base64 of a PKCS#8 document (`openssl genpkey -algorithm ed25519 -outform DER | base64 -w0`), or from
    /// 64 hexadecimal digits, the key's seed: the only form that Secrets Manager can make up by itself.
    pub fn new(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let pair = match seed(text) {
            Some(seed) => Ed25519KeyPair::from_seed_unchecked(&seed).ok(),
            None => BASE64_STANDARD
                .decode(text)
                .ok()
                .and_then(|document| Ed25519KeyPair::from_pkcs8_maybe_unchecked(&document).ok()),
        };
        pair.map(Self).ok_or(Error::Key("TOKEN_PRIVATE_KEY"))
    }

    /// What `TOKEN_PUBLIC_KEY` must be: the 32 bytes of the public key in base64url.
    #[must_use]
    pub fn public_key(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0.public_key())
    }

    pub(super) fn encoding_key(&self) -> Result<EncodingKey, Error> {
        let document = self.0.to_pkcs8v1().map_err(|_| Error::Key("TOKEN_PRIVATE_KEY"))?;
        Ok(EncodingKey::from_ed_der(document.as_ref()))
    }
}

/// No PKCS#8 document of an Ed25519 key looks like it: its base64 begins with `M`.
fn seed(text: &str) -> Option<Vec<u8>> {
    let is_seed = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let byte = |at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    if is_seed { (0..64).step_by(2).map(byte).collect() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, section 7.1, test 1.
    const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

    #[test]
    fn it_derives_the_public_key_of_rfc_8032() {
        let key = SigningKey::new(SEED).expect("reads");
        // d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a
        assert_eq!(key.public_key(), "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    }

    #[test]
    fn it_reads_both_forms_of_one_key() {
        let seed = SigningKey::new(SEED).expect("reads");
        let document = BASE64_STANDARD.encode(seed.0.to_pkcs8v1().expect("encodes"));
        assert_eq!(SigningKey::new(&document).expect("reads").public_key(), seed.public_key());
    }

    #[test]
    fn it_refuses_what_is_no_key_without_repeating_it() {
        for text in ["", "secret", &SEED[1..], &SEED.replace('9', "g"), "c2VjcmV0"] {
            let error = SigningKey::new(text).err().expect("no key");
            assert_eq!(error.to_string(), "TOKEN_PRIVATE_KEY is not an Ed25519 key in the expected encoding");
        }
    }
}
