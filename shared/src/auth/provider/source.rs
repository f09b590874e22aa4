//! Where the keys come from: the provider's discovery document, and the set that it names.

use std::{sync::Arc, time::Duration};

use rustls::ClientConfig;
use serde::Deserialize;
use tokio::time::timeout;
use url::Url;

use super::{Settings, SettingsError, keys::KeySet};
use crate::{
    outgoing::{document, is_private},
    tls,
};

/// The ceiling on both calls together: somebody may be waiting.
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
        Ok(Self { issuer, discovery, tls: Arc::new(tls::client(tls::of_the_web())?) })
    }

    /// The keys as they are published now, or why there are none.
    pub(super) async fn fetch(&self) -> Result<KeySet, String> {
        timeout(CEILING, self.read()).await.unwrap_or_else(|_elapsed| Err("no answer within 2 s".to_owned()))
    }

    async fn read(&self) -> Result<KeySet, String> {
        let discovery = document(&self.tls, &self.discovery, LARGEST_BODY).await?;
        let discovery: Discovery =
            serde_json::from_slice(&discovery).map_err(|_| "that is no discovery document".to_owned())?;
        // Else somebody's document could hand us somebody else's keys (section 4.3).
        if discovery.issuer != self.issuer {
            return Err("the discovery document is of another issuer than TOKEN_ISSUER".to_owned());
        }
        // A provider of the web has no keys on this machine.
        let is_safe = |url: &Url| is_private(url) && url.scheme() == self.discovery.scheme();
        let keys = Url::parse(&discovery.jwks_uri).ok().filter(is_safe);
        let keys = keys.ok_or("jwks_uri is no address that begins with https://")?;
        Ok(KeySet::read(&document(&self.tls, &keys, LARGEST_BODY).await?)?)
    }
}
