//! Access tokens: JWTs signed with Ed25519.
//!
//! Only the functions that sign somebody in hold the private key; every other one verifies with the public one and so
//! cannot issue a token even if it is taken over. One algorithm, one issuer, one audience: nothing in a token chooses
//! how it is checked.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::SigningKey;
pub use super::error::Error;

const ISSUER: &str = "millrace";
const AUDIENCE: &str = "millrace";

/// How long a token is good for. Short, because a token cannot be called back.
pub const LIFETIME: Duration = Duration::from_hours(1);

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Buys.
    Customer,
    /// Runs the shop: the catalogue, its stock, everybody's orders and refunds.
    Administrator,
}

impl Role {
    /// As the database has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Administrator => "administrator",
        }
    }
}

impl TryFrom<String> for Role {
    type Error = Error;

    fn try_from(word: String) -> Result<Self, Error> {
        match word.as_str() {
            "customer" => Ok(Self::Customer),
            "administrator" => Ok(Self::Administrator),
            _ => Err(Error::Role),
        }
    }
}

/// What a token says of its bearer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The user's id.
    pub sub: Uuid,
    /// What the user may do.
    pub role: Role,
    iss: String,
    aud: String,
    iat: u64,
    exp: u64,
}

/// Issues tokens. For the functions that sign somebody in.
pub struct Issuer(EncodingKey);

impl Issuer {
    /// From what [`SigningKey`] reads.
    pub fn new(private_key: &str) -> Result<Self, Error> {
        Ok(Self(SigningKey::new(private_key)?.encoding_key()?))
    }

    /// A token for this user, good from now for `lifetime`.
    pub fn issue(&self, user: Uuid, role: Role, lifetime: Duration) -> Result<String, Error> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let claims = Claims {
            sub: user,
            role,
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            iat: now.as_secs(),
            exp: (now + lifetime).as_secs(),
        };
        let header = Header::new(Algorithm::EdDSA);
        jsonwebtoken::encode(&header, &claims, &self.0).map_err(|_| Error::Key("TOKEN_PRIVATE_KEY"))
    }
}

/// Verifies tokens.
#[derive(Clone)]
pub struct Verifier {
    key: DecodingKey,
    validation: Validation,
}

impl Verifier {
    /// From the base64url of the 32 bytes of the public key:
    /// `openssl pkey -in key.der -inform DER -pubout -outform DER | tail -c 32 | basenc --base64url`.
    pub fn new(public_key: &str) -> Result<Self, Error> {
        let (key, unusable) = (public_key.trim().trim_end_matches('='), || Error::Key("TOKEN_PUBLIC_KEY"));
        // A key of another length would be taken, and refuse every token.
        if !BASE64_URL_SAFE_NO_PAD.decode(key).is_ok_and(|bytes| bytes.len() == 32) {
            return Err(unusable());
        }
        let key = DecodingKey::from_ed_components(key).map_err(|_| unusable())?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Functions and login share Amazon's clock; no leeway is needed to bridge two.
        validation.leeway = 0;
        Ok(Self { key, validation })
    }

    /// What the token says, if it is one of ours and still good.
    pub fn verify(&self, token: &str) -> Result<Claims, Error> {
        jsonwebtoken::decode(token, &self.key, &self.validation).map(|token| token.claims).map_err(|error| {
            if matches!(error.kind(), ErrorKind::ExpiredSignature) { Error::Expired } else { Error::Invalid }
        })
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::*;

    fn keys() -> (Issuer, Verifier) {
        let pair = Ed25519KeyPair::generate().expect("generates");
        let private = STANDARD.encode(pair.to_pkcs8v1().expect("encodes"));
        let public = URL_SAFE_NO_PAD.encode(pair.public_key());
        (Issuer::new(&private).expect("reads"), Verifier::new(&public).expect("reads"))
    }

    #[test]
    fn it_accepts_its_own_tokens_and_tells_the_bearer() {
        let (issuer, verifier) = keys();
        let user = Uuid::now_v7();
        let token = issuer.issue(user, Role::Administrator, LIFETIME).expect("issues");
        let claims = verifier.verify(&token).expect("verifies");
        assert_eq!((claims.sub, claims.role), (user, Role::Administrator));
    }

    /// What login would sign now, for an hour.
    fn claims() -> Claims {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        let (iss, aud) = (ISSUER.to_owned(), AUDIENCE.to_owned());
        Claims { sub: Uuid::now_v7(), role: Role::Customer, iss, aud, iat: now, exp: now + 3600 }
    }

    fn sign(issuer: &Issuer, claims: &Claims) -> String {
        jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), claims, &issuer.0).expect("encodes")
    }

    #[test]
    fn a_public_key_has_32_bytes() {
        let public = SigningKey::new(&"9d".repeat(32)).expect("a key").public_key();
        assert!(Verifier::new(&format!(" {public}=\n")).is_ok());
        for wrong in ["", ",", "AAAA", &public[1..], &format!("{public}AAAA")] {
            assert!(Verifier::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn it_refuses_a_token_that_expired_and_were_it_a_second_ago() {
        let (issuer, verifier) = keys();
        verifier.verify(&sign(&issuer, &claims())).expect("good for an hour");
        for exp in [2, claims().iat - 1] {
            let token = sign(&issuer, &Claims { exp, ..claims() });
            assert!(matches!(verifier.verify(&token), Err(Error::Expired)), "{exp}");
        }
    }

    /// Signed with our key all the same: another service's token is none of ours.
    #[test]
    fn it_refuses_a_token_of_another_issuer_or_for_another_audience() {
        let (issuer, verifier) = keys();
        let other = || "other".to_owned();
        for claims in [Claims { iss: other(), ..claims() }, Claims { aud: other(), ..claims() }] {
            assert!(matches!(verifier.verify(&sign(&issuer, &claims)), Err(Error::Invalid)), "{claims:?}");
        }
    }

    #[test]
    fn it_refuses_tokens_of_another_key_other_algorithms_and_changed_claims() {
        let (issuer, verifier) = keys();
        let (stranger, _) = keys();
        let token = issuer.issue(Uuid::now_v7(), Role::Customer, LIFETIME).expect("issues");
        let mut parts = token.split('.');
        let (header, claims, signature) =
            (parts.next().expect("three"), parts.next().expect("three"), parts.next().expect("three"));
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
        let hmac = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
        let promoted = URL_SAFE_NO_PAD.decode(claims).expect("decodes");
        let promoted = String::from_utf8(promoted).expect("text").replace("customer", "administrator");
        let promoted = URL_SAFE_NO_PAD.encode(promoted);
        for forged in [
            stranger.issue(Uuid::now_v7(), Role::Administrator, LIFETIME).expect("issues"),
            format!("{none}.{claims}."),
            format!("{hmac}.{claims}.{signature}"),
            format!("{header}.{promoted}.{signature}"),
            String::new(),
            "..".to_owned(),
        ] {
            assert!(matches!(verifier.verify(&forged), Err(Error::Invalid)), "{forged}");
        }
    }
}
