//! Passwords, keys and tokens of one local cloud: random, made once, never in the repository.

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, anyhow};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use uuid::Uuid;

use crate::key_value;

/// What `.dev/secrets` holds.
#[derive(Clone)]
pub(crate) struct Secrets(BTreeMap<String, String>);

impl Secrets {
    /// Reads the secrets, and makes those that are missing.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let mut values = key_value::read(path)?;
        let before = values.len();
        let mut make = |name: &str, prefix: &str| {
            let value = || format!("{prefix}{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
            values.entry(name.to_owned()).or_insert_with(value);
        };
        make("OWNER_PASSWORD", "");
        make("APPLICATION_PASSWORD", "");
        make("PAYMENTS_KEY", "sk_test_");
        make("PAYMENTS_WEBHOOK_SECRET", "whsec_");
        if !values.contains_key("TOKEN_PRIVATE_KEY") {
            let document = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new())
                .map_err(|_| anyhow!("no key pair could be generated"))?;
            values.insert("TOKEN_PRIVATE_KEY".to_owned(), BASE64_STANDARD.encode(document.as_ref()));
        }
        if values.len() != before {
            key_value::write(path, &values)?;
        }
        Ok(Self(values))
    }

    /// Password of the database's owner, who is also `PgBouncer`'s administrator.
    pub(crate) fn owner_password(&self) -> &str {
        &self.0["OWNER_PASSWORD"]
    }

    /// Password of the role that the functions log in as.
    pub(crate) fn application_password(&self) -> &str {
        &self.0["APPLICATION_PASSWORD"]
    }

    /// Secret key for the payment provider.
    pub(crate) fn payments_key(&self) -> &str {
        &self.0["PAYMENTS_KEY"]
    }

    /// What the payment provider signs its webhooks with.
    pub(crate) fn payments_webhook_secret(&self) -> &str {
        &self.0["PAYMENTS_WEBHOOK_SECRET"]
    }

    /// PKCS#8 of the key that signs access tokens, in base64.
    pub(crate) fn token_private_key(&self) -> &str {
        &self.0["TOKEN_PRIVATE_KEY"]
    }

    /// The key that verifies access tokens: 32 bytes in base64url.
    pub(crate) fn token_public_key(&self) -> Result<String> {
        Ok(BASE64_URL_SAFE_NO_PAD.encode(self.key_pair()?.public_key().as_ref()))
    }

    /// An access token as login issues it, but valid for a month: a curl line copied in the morning works at night.
    pub(crate) fn access_token(&self, user: &str, role: &str) -> Result<String> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        let claims = json!({
            "iss": "millrace",
            "aud": "millrace",
            "sub": user,
            "role": role,
            "iat": now.as_secs(),
            "exp": (now + Duration::from_hours(24 * 30)).as_secs(),
        });
        let header = json!({ "alg": "EdDSA", "typ": "JWT" });
        let part = |value: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = BASE64_URL_SAFE_NO_PAD.encode(self.key_pair()?.sign(signed.as_bytes()));
        Ok(format!("{signed}.{signature}"))
    }

    fn key_pair(&self) -> Result<Ed25519KeyPair> {
        let document = BASE64_STANDARD.decode(self.token_private_key()).context("TOKEN_PRIVATE_KEY is not base64")?;
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(&document)
            .map_err(|reason| anyhow!("TOKEN_PRIVATE_KEY is no Ed25519 key ({reason}); ./dev reset makes a new one"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

    #[test]
    fn it_makes_secrets_once() -> Result<()> {
        let path = crate::scratch("secrets-once")?.join("secrets");
        let first = Secrets::load(&path)?;
        let second = Secrets::load(&path)?;
        assert_eq!(first.owner_password(), second.owner_password());
        assert_eq!(first.token_public_key()?, second.token_public_key()?);
        assert_ne!(first.owner_password(), first.application_password());
        Ok(())
    }

    #[test]
    fn it_signs_tokens_that_the_public_key_verifies() -> Result<()> {
        let secrets = Secrets::load(&crate::scratch("secrets-token")?.join("secrets"))?;
        let token = secrets.access_token("user", "customer")?;
        let (signed, signature) = token.rsplit_once('.').context("a token has three parts")?;
        let key = BASE64_URL_SAFE_NO_PAD.decode(secrets.token_public_key()?)?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature)?;
        assert!(UnparsedPublicKey::new(&ED25519, key).verify(signed.as_bytes(), &signature).is_ok());
        Ok(())
    }
}
