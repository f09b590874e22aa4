//! Where the keys come from: the provider's discovery document, and the set that it names.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use serde::Deserialize;
use tokio::time::timeout;
use url::Url;

use super::keys::KeySet;
use super::{Settings, SettingsError};
use crate::outgoing::{NoDocument, document, is_private};
use crate::tls;

/// The ceiling on both calls together: a request waits for them.
const CEILING: Duration = Duration::from_secs(2);

/// Both documents take some kilobytes, and certificates may be in them.
const LARGEST_BODY: usize = 256 * 1024;

/// Where to ask.
pub(super) struct Source {
    issuer: String,
    discovery: Url,
    /// Kept, so that sessions are resumed. No connection is: askings are minutes apart, and one that slept with the
    /// environment is dead.
    tls: Arc<ClientConfig>,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl Source {
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let (issuer, discovery) = (settings.issuer.clone(), settings.discovery()?);
        let own = settings.authorities.as_deref();
        let own = own.map(|pem| tls::of_pem(pem).ok_or(SettingsError::Authorities)).transpose()?;
        Ok(Self { issuer, discovery, tls: Arc::new(tls::client(own.unwrap_or_else(tls::of_the_web))?) })
    }

    /// The keys as they are published now, or why there are none.
    pub(super) async fn fetch(&self) -> Result<KeySet, Unread> {
        let late = |_elapsed| Err(Unread::Away("no answer within 2 s".to_owned()));
        timeout(CEILING, self.read()).await.unwrap_or_else(late)
    }

    async fn read(&self) -> Result<KeySet, Unread> {
        let discovery = document(&self.tls, &self.discovery, None, LARGEST_BODY).await?;
        let discovery: Discovery =
            serde_json::from_slice(&discovery).map_err(|_| wrong("that is not a discovery document"))?;
        // Else somebody's document could hand us somebody else's keys (section 4.3).
        if discovery.issuer != self.issuer {
            return Err(wrong("the discovery document is of another issuer than TOKEN_ISSUER"));
        }
        // A provider of the web has no keys on this machine.
        let is_safe = |url: &Url| is_private(url) && url.scheme() == self.discovery.scheme();
        let keys = Url::parse(&discovery.jwks_uri).ok().filter(is_safe);
        let keys = keys.ok_or_else(|| wrong("jwks_uri is not an address that begins with https://"))?;
        KeySet::read(&document(&self.tls, &keys, None, LARGEST_BODY).await?).map_err(wrong)
    }
}

/// Why there are no keys.
pub(super) enum Unread {
    /// It will be back.
    Away(String),
    /// Asking again changes nothing: a setting is wrong, or the provider.
    Wrong(String),
}

fn wrong(why: &str) -> Unread {
    Unread::Wrong(why.to_owned())
}

impl From<NoDocument> for Unread {
    fn from(why: NoDocument) -> Self {
        match why {
            NoDocument::Away(cause) => Self::Away(cause),
            NoDocument::TooLarge => wrong("it answered with too much"),
            NoDocument::Untrusted(cause) => Self::Wrong(format!(
                "{cause}: if its authority is your own, TOKEN_ISSUER_CA_FILE says whom to trust"
            )),
        }
    }
}
