//! Where the keys come from: the provider's discovery document, and the set that it names.

use std::time::Duration;

use http::HeaderMap;
use rustls::ClientConfig;
use serde::Deserialize;
use tokio::time::timeout;
use url::Url;

use super::{Settings, SettingsError, keys::KeySet};
use crate::{
    outgoing::{self, innermost, is_private},
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
    /// Kept, so that sessions are resumed. The client is made for each asking: they are minutes apart, and a connection
    /// that slept with the environment is dead.
    tls: ClientConfig,
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
        Ok(Self { issuer, discovery, tls: tls::client(own.unwrap_or_else(tls::of_the_web))? })
    }

    /// The keys as they are published now, or why there are none.
    pub(super) async fn fetch(&self) -> Result<KeySet, Unread> {
        let late = |_elapsed| Err(Unread::Away("no answer within 2 s".to_owned()));
        timeout(CEILING, self.read()).await.unwrap_or_else(late)
    }

    async fn read(&self) -> Result<KeySet, Unread> {
        let client = outgoing::client(HeaderMap::new(), self.tls.clone(), CEILING)?;
        let discovery = get(&client, self.discovery.clone()).await?;
        let discovery: Discovery =
            serde_json::from_slice(&discovery).map_err(|_| wrong("that is no discovery document"))?;
        // Else somebody's document could hand us somebody else's keys (section 4.3).
        if discovery.issuer != self.issuer {
            return Err(wrong("the discovery document is of another issuer than TOKEN_ISSUER"));
        }
        // A provider of the web has no keys on this machine.
        let is_safe = |url: &Url| is_private(url) && url.scheme() == self.discovery.scheme();
        let keys = Url::parse(&discovery.jwks_uri).ok().filter(is_safe);
        let keys = keys.ok_or_else(|| wrong("jwks_uri is no address that begins with https://"))?;
        KeySet::read(&get(&client, keys).await?).map_err(wrong)
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

impl From<reqwest::Error> for Unread {
    fn from(error: reqwest::Error) -> Self {
        match innermost(&error) {
            cause if outgoing::is_untrusted(&error) => Self::Wrong(format!(
                "{cause}: if its authority is your own, TOKEN_ISSUER_CA_FILE says whom to trust"
            )),
            cause => Self::Away(cause),
        }
    }
}

async fn get(client: &reqwest::Client, url: Url) -> Result<Vec<u8>, Unread> {
    let response = client.get(url.clone()).send().await?;
    let status = response.status();
    if status != http::StatusCode::OK {
        return Err(Unread::Away(format!("{url} answered {status}")));
    }
    let body = outgoing::body(response, LARGEST_BODY).await?;
    body.ok_or_else(|| Unread::Wrong(format!("{url} answered with too much")))
}
