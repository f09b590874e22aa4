//! Where Redis is, and how to be let in: TLS, a password or a token of IAM, on each server alike.

use std::sync::Arc;

use redis::{ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo, RedisResult};
use rustls::ClientConfig;

use super::wire::Wire;
use super::{Iam, InvalidSettings, Settings};
use crate::tls;

/// See the module.
pub(super) struct Door {
    pub(super) host: String,
    pub(super) port: u16,
    user: RedisConnectionInfo,
    tls: Option<Arc<ClientConfig>>,
    iam: Option<Iam>,
}

impl Door {
    pub(super) fn new(settings: &Settings) -> Result<Self, InvalidSettings> {
        let unusable = |why: &str| InvalidSettings::Url(why.to_owned());
        let mut url = redis::parse_redis_url(&settings.url).ok_or_else(|| unusable("it is no such URL"))?;
        // The crate reads the rest. Of TLS it knows only with a client for it, and that is ours.
        let plain = match url.scheme() {
            "rediss" => Some("redis"),
            "valkeys" => Some("valkey"),
            _ => None,
        };
        let encrypted = plain.is_some_and(|scheme| url.set_scheme(scheme).is_ok());
        // `#insecure` means TLS with whoever answers.
        let verified = !encrypted || url.fragment().is_none();
        let info = url.into_connection_info()?;
        let (host, port) = match info.addr().clone() {
            ConnectionAddr::Tcp(host, port) if verified => (host, port),
            _ => return Err(unusable("neither TCP nor verified TLS")),
        };
        let user = info.redis_settings().clone();
        if settings.tls_only && !encrypted {
            return Err(InvalidSettings::Plain);
        }
        if settings.iam.is_some() && !(encrypted && user.username().is_some()) {
            return Err(InvalidSettings::Iam);
        }
        let own = settings.ca_certificate.as_deref();
        let authorities = own.map(|pem| tls::of_pem(pem).ok_or(InvalidSettings::Certificate)).transpose()?;
        let client = || tls::client(authorities.unwrap_or_else(tls::of_the_web)).map(Arc::new);
        let tls = encrypted.then(client).transpose()?;
        Ok(Self { host, port, user, tls, iam: settings.iam.clone() })
    }

    /// A connection to the server at this address. Its certificate has to be for this host.
    pub(super) async fn open(&self, host: &str, port: u16) -> RedisResult<Wire> {
        match &self.iam {
            Some(iam) => {
                let token = iam.token_now(self.user.username().unwrap_or_default()).await?;
                Wire::open(host, port, self.tls.as_ref(), &self.user.clone().set_password(token)).await
            }
            None => Wire::open(host, port, self.tls.as_ref(), &self.user).await,
        }
    }
}
