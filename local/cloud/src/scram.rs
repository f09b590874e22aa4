//! A password as Postgres keeps it (RFC 5803, RFC 7677).
//!
//! A pooler that is given this instead of the password has nothing to derive when a client signs in. From a password
//! PgBouncer derives it again for each: 2.6 ms of its one thread, in which nobody else's statement moves, and a
//! hundred environments that start at once are a hundred clients.

use std::num::NonZeroU32;

use anyhow::{Result, anyhow};
use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use aws_lc_rs::{hmac, pbkdf2, rand};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// As many as Postgres itself takes.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).expect("above zero");

/// `SCRAM-SHA-256$ITERATIONS:SALT$STORED_KEY:SERVER_KEY` of a password in ASCII, with a new salt.
pub(crate) fn verifier(password: &str) -> Result<String> {
    let mut salt = [0; 16];
    rand::fill(&mut salt).map_err(|_| anyhow!("the system gives no random bytes"))?;
    Ok(of(password, &salt))
}

fn of(password: &str, salt: &[u8]) -> String {
    let mut salted = [0; SHA256_OUTPUT_LEN];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ITERATIONS, salt, password.as_bytes(), &mut salted);
    let key = hmac::Key::new(hmac::HMAC_SHA256, &salted);
    let stored = digest(&SHA256, hmac::sign(&key, b"Client Key").as_ref());
    let server = hmac::sign(&key, b"Server Key");
    let [salt, stored, server] =
        [salt, stored.as_ref(), server.as_ref()].map(|bytes| BASE64_STANDARD.encode(bytes));
    format!("SCRAM-SHA-256${ITERATIONS}:{salt}${stored}:{server}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exchange of RFC 7677, section 3: user `user`, password `pencil`. What the server keeps is not printed there,
    /// and what it sends is.
    #[test]
    fn it_keeps_what_signs_the_exchange_of_rfc_7677() {
        let salt = BASE64_STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").expect("base64");
        let kept = of("pencil", &salt);
        let (_, server) = kept.rsplit_once(':').expect("two keys");
        let key = hmac::Key::new(hmac::HMAC_SHA256, &BASE64_STANDARD.decode(server).expect("base64"));
        let nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let exchange = format!(
            "n=user,r=rOprNGfwEbeRWgbNEkqO,r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r={nonce}"
        );
        let signature = BASE64_STANDARD.encode(hmac::sign(&key, exchange.as_bytes()));
        assert_eq!(signature, "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
        assert!(kept.starts_with("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"), "{kept}");
    }

    #[test]
    fn no_two_have_one_salt() {
        assert_ne!(verifier("secret").expect("bytes"), verifier("secret").expect("bytes"));
    }
}
