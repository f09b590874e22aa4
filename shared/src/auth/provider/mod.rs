//! An identity provider of the shop's own (Cognito, Auth0, Keycloak, Entra …): its access tokens, verified by the keys
//! that it publishes (OpenID Connect Discovery 1.0, RFC 7517), as RFC 9068 and RFC 8725 have it.
//!
//! The setting says who issues and for whom; of a token only the name of the key is believed before it is verified, and
//! the key says which algorithm it is for. The keys are kept in the environment, and asked for again every ten minutes.

mod claims;
mod kept;
mod keys;
mod settings;
mod source;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use jsonwebtoken::Validation;
use jsonwebtoken::errors::ErrorKind;

use self::claims::Claims;
use self::kept::{Kept, Need};
use self::keys::{Key, KeySet};
pub use self::settings::{Settings, SettingsError};
use self::source::{Source, Unread};
use super::{Error, Subject, User};

/// Verifies an identity provider's tokens. Cheap to clone.
#[derive(Clone)]
pub struct Provider(Arc<Shared>);

struct Shared {
    settings: Settings,
    source: Source,
    kept: Mutex<Kept<KeySet>>,
    /// One asks; those that come meanwhile wait for what it learns.
    asking: tokio::sync::Mutex<()>,
}

impl Provider {
    /// As these settings have it. No network.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let source = Source::new(&settings)?;
        let (kept, asking) = (
            Mutex::new(Kept::new(settings.fresh_for, settings.ask_again_after)),
            tokio::sync::Mutex::new(()),
        );
        Ok(Self(Arc::new(Shared { settings, source, kept, asking })))
    }

    /// Where people sign in.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.settings.issuer
    }

    /// Who the token says is calling, if it is an access token of this provider for this shop, and still good.
    pub async fn verify(&self, token: &str) -> Result<User, Error> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| Error::Invalid)?;
        let of_access_token = claims::is_type_of_access_token(header.typ.as_deref());
        // What is critical we would have to know, and we know nothing of the kind (RFC 7515, section 4.1.11).
        if !of_access_token || header.crit.is_some() || !keys::ALGORITHMS.contains(&header.alg) {
            return Err(Error::Invalid);
        }
        let keys = self.keys().await.ok_or(Error::NoKeys)?;
        let find = |keys: &KeySet| keys.find(header.kid.as_deref(), header.alg);
        let key = match find(&keys) {
            Some(key) => key,
            // Perhaps a key of after we asked. Without a name another set would say no more about it.
            None if header.kid.as_deref().is_some_and(|kid| !keys.knows(kid)) => {
                let newer = self.newer_keys(&keys).await.ok_or(Error::Invalid)?;
                find(&newer).ok_or(Error::Invalid)?
            }
            None => return Err(Error::Invalid),
        };
        let claims = self.claims(token, &key)?;
        self.0.settings.accepts(&claims, header.typ.as_deref())?;
        Ok(self.user(&claims))
    }

    fn claims(&self, token: &str, key: &Key) -> Result<Claims, Error> {
        let mut validation = Validation::new(key.algorithm);
        validation.set_issuer(&[self.issuer()]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        validation.validate_nbf = true;
        // By Settings::accepts: Cognito has it under another name.
        validation.validate_aud = false;
        validation.leeway = self.0.settings.clock_skew.as_secs();
        let decoded = jsonwebtoken::decode(token, &key.decoding, &validation);
        decoded.map(|token| token.claims).map_err(|error| match error.kind() {
            ErrorKind::ExpiredSignature => Error::Expired,
            _ => Error::Invalid,
        })
    }

    fn user(&self, claims: &Claims) -> User {
        let settings = &self.0.settings;
        let subject = Subject { issuer: settings.issuer.clone(), name: claims.sub.clone() };
        User { id: subject.user_id(), role: settings.role(claims), subject: Some(subject) }
    }

    /// The provider's keys, asked for first where there are none that can be used as they are. Within the request: a
    /// task would be frozen with the environment as soon as the answer is out, and go on in a later request over a
    /// connection that has died meanwhile, with `asking` in its hand.
    async fn keys(&self) -> Option<Arc<KeySet>> {
        let (keys, need) = self.kept().at(SystemTime::now());
        if need == Need::Nothing {
            return keys;
        }
        self.ask().await;
        self.kept().at(SystemTime::now()).0
    }

    /// The keys after asking for them, unless that was done a moment ago: strangers choose what a token says its key
    /// is.
    async fn newer_keys(&self, than: &Arc<KeySet>) -> Option<Arc<KeySet>> {
        self.ask().await;
        let keys = self.kept().at(SystemTime::now()).0;
        keys.filter(|keys| !Arc::ptr_eq(keys, than))
    }

    async fn ask(&self) {
        let _asking = self.0.asking.lock().await;
        if !self.kept().may_ask(SystemTime::now()) {
            return;
        }
        let fetched = self.0.source.fetch().await;
        if fetched.is_err() {
            self.kept().asked_in_vain(SystemTime::now());
        }
        match fetched {
            Ok(keys) => self.kept().learn(keys, SystemTime::now()),
            Err(Unread::Away(cause)) => {
                let issuer = self.issuer();
                tracing::warn!(issuer, cause, "the keys of {issuer} were not read: {cause}");
            }
            Err(Unread::Wrong(cause)) => {
                let issuer = self.issuer();
                tracing::error!(issuer, cause, "the keys of {issuer} cannot be read: {cause}");
            }
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept<KeySet>> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::time::Duration;

    use futures::FutureExt;
    use futures::future::{Either, select};
    use tokio::net::TcpListener;

    use super::*;

    /// That of RFC 8037, appendix A.2.
    const KEYS: &[u8] =
        br#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

    /// Whether a second request waits, with keys of this age, while a first one asks a provider that does not answer.
    async fn second_waits(age: Duration) -> bool {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let provider = Provider::new(Settings::new(&address, "shop")).expect("good settings");
        provider.kept().learn(KeySet::read(KEYS).expect("a key"), SystemTime::now() - age);
        let (first, asked) = (pin!(provider.keys()), pin!(listener.accept()));
        let Either::Right(_asking) = select(first, asked).await else { panic!("the first one does not ask") };
        provider.keys().now_or_never().flatten().is_none()
    }

    #[tokio::test]
    async fn while_one_asks_others_go_on_with_keys_that_are_not_an_hour_old_and_wait_with_older_ones() {
        for (minutes, waits) in [(11, false), (59, false), (61, true)] {
            assert_eq!(second_waits(Duration::from_mins(minutes)).await, waits, "{minutes} minutes");
        }
    }
}
