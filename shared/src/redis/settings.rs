//! What a client of Redis is told.

use std::time::Duration;

use super::Iam;

/// Where Redis is, and how long it may take.
#[derive(Clone)]
pub struct Settings {
    /// `redis://[user:password@]host:port`, or `rediss://…` for TLS.
    pub url: String,
    /// Whether that is one node of a cluster, which tells of the others. Not needed for `ElastiCache` Serverless.
    pub cluster: bool,
    /// Signs in as the URL's user with a token of IAM instead of the URL's password. Needs `rediss://`: a token is a
    /// password. One is signed for each connection, which takes microseconds, so none ever expires in our hands.
    pub iam: Option<Iam>,
    /// Refuses `redis://`, which anybody between here and there can read and answer.
    pub tls_only: bool,
    /// With TLS: trust the certificate authorities of this PEM text, and no others. Those of the web by default, which
    /// include Amazon's.
    pub ca_certificate: Option<Vec<u8>>,
    /// The hard limit of one batch, connecting included. What a caller loses to a Redis that is away.
    pub batch_limit: Duration,
    /// The limit for one exchange on an open connection. Scripts take about 0.1 ms; this is for a Redis that hangs.
    pub response_limit: Duration,
    /// A connection idle for longer than this, by wall clock, is replaced before it is used: the environment may have
    /// been frozen meanwhile, and whatever stands between may have forgotten the connection without a word.
    pub idle_limit: Duration,
}

impl Settings {
    /// The settings for production: one server, 300 ms for a batch, 100 ms for an exchange, 30 s of idleness.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            cluster: false,
            iam: None,
            tls_only: false,
            ca_certificate: None,
            batch_limit: Duration::from_millis(300),
            response_limit: Duration::from_millis(100),
            idle_limit: Duration::from_secs(30),
        }
    }
}

/// Settings with which no Redis could be reached. Neither URL nor certificate is repeated: the URL may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSettings {
    /// The URL is none, or one for something else.
    #[error("the Redis URL is not usable ({0}); write redis://host:6379, or rediss://host:6379 for TLS")]
    Url(String),
    /// What TLS would keep to ourselves would travel in the clear.
    #[error("TLS is required, so the URL must begin with rediss://")]
    Plain,
    /// There is no certificate in what should hold some.
    #[error("the CA certificate is not usable; it must be PEM text with at least one BEGIN CERTIFICATE")]
    Certificate,
    /// A token would travel in the clear, or there is no user to sign it for.
    #[error("signing in by IAM needs a URL with TLS and a user: rediss://user@host:6379")]
    Iam,
}

impl From<rustls::Error> for InvalidSettings {
    fn from(error: rustls::Error) -> Self {
        Self::Url(error.to_string())
    }
}

impl From<::redis::RedisError> for InvalidSettings {
    fn from(error: ::redis::RedisError) -> Self {
        Self::Url(error.category().to_owned())
    }
}
