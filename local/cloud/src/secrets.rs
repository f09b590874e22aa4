//! Passwords, keys and tokens of one local cloud: random, made once, never in the repository.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use aws_lc_rs::rand::{self, SystemRandom};
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use shared::auth::SigningKey;
use shared::auth::token::{Issuer, Role};
use uuid::Uuid;

use crate::{key_value, scram};

/// What `.dev/secrets` holds.
#[derive(Clone)]
pub struct Secrets(BTreeMap<String, String>);

impl Secrets {
    /// Reads the secrets, and makes those that are missing.
    pub fn load(path: &Path) -> Result<Self> {
        let mut values = key_value::read(path)?;
        let before = values.len();
        for (name, prefix) in [
            ("OWNER_PASSWORD", ""),
            ("APPLICATION_PASSWORD", ""),
            ("PAYMENTS_KEY", "sk_test_"),
            ("PAYMENTS_WEBHOOK_SECRET", "whsec_"),
        ] {
            if !values.contains_key(name) {
                values.insert(name.to_owned(), format!("{prefix}{}", random()?));
            }
        }
        // Kept, because of a new salt comes another: Postgres and PgBouncer have to hold the same.
        if !values.contains_key("APPLICATION_VERIFIER") {
            let verifier = scram::verifier(&values["APPLICATION_PASSWORD"])?;
            values.insert("APPLICATION_VERIFIER".to_owned(), verifier);
        }
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
    pub fn owner_password(&self) -> &str {
        &self.0["OWNER_PASSWORD"]
    }

    /// Password of the role that the functions log in as.
    pub fn application_password(&self) -> &str {
        &self.0["APPLICATION_PASSWORD"]
    }

    /// The same as Postgres and `PgBouncer` keep it.
    pub(crate) fn application_verifier(&self) -> &str {
        &self.0["APPLICATION_VERIFIER"]
    }

    /// Secret key for the payment provider.
    pub fn payments_key(&self) -> &str {
        &self.0["PAYMENTS_KEY"]
    }

    /// What the payment provider signs its webhooks with.
    pub fn payments_webhook_secret(&self) -> &str {
        &self.0["PAYMENTS_WEBHOOK_SECRET"]
    }

    /// PKCS#8 of the key that signs access tokens, in base64.
    pub fn token_private_key(&self) -> &str {
        &self.0["TOKEN_PRIVATE_KEY"]
    }

    /// The key that verifies access tokens: 32 bytes in base64url.
    pub fn token_public_key(&self) -> Result<String> {
        let key = SigningKey::new(self.token_private_key());
        Ok(key.context("./dev reset makes a new one")?.public_key())
    }

    /// An access token as login issues it, but valid for a month: a curl line copied today works next week.
    pub fn access_token(&self, user: Uuid, role: Role) -> Result<String> {
        Ok(Issuer::new(self.token_private_key())?.issue(user, role, Duration::from_hours(24 * 30))?)
    }
}

/// 256 random bits, as hexadecimal digits: they need no quoting in SQL, URLs or files.
pub fn random() -> Result<String> {
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes).map_err(|_| anyhow!("the system gives no random bytes"))?;
    Ok(bytes.iter().fold(String::new(), |digits, byte| format!("{digits}{byte:02x}")))
}

#[cfg(test)]
mod tests {
    use shared::auth::token::Verifier;

    use super::*;

    #[test]
    fn it_makes_secrets_once() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("secrets");
        let first = Secrets::load(&path)?;
        let second = Secrets::load(&path)?;
        assert_eq!(first.owner_password(), second.owner_password());
        assert_eq!(first.token_public_key()?, second.token_public_key()?);
        assert_ne!(first.owner_password(), first.application_password());
        Ok(())
    }

    #[test]
    fn it_issues_tokens_that_the_functions_accept() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let secrets = Secrets::load(&folder.path().join("secrets"))?;
        let user = Uuid::now_v7();
        let token = secrets.access_token(user, Role::Administrator)?;
        let claims = Verifier::new(&secrets.token_public_key()?)?.verify(&token)?;
        assert_eq!((claims.sub, claims.role), (user, Role::Administrator));
        Ok(())
    }
}
