//! How to reach the database, and how long to wait for it.

use std::fmt;
use std::time::{Duration, SystemTime};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};

use super::iam;
use crate::aws::presign::Signer;

/// How to reach the database. `Debug` shows neither password nor keys.
#[derive(Clone)]
pub struct Settings {
    options: PgConnectOptions,
    pub(super) connections: usize,
    pub(super) acquire_limit: Duration,
    pub(super) statement_limit: Duration,
    pub(super) trusted_for: Duration,
    signer: Option<Signer>,
}

/// Settings that cannot work. The text says what to change and holds no secret.
#[derive(Debug, thiserror::Error)]
#[error("database settings: {0}")]
pub struct InvalidSettings(String);

impl Settings {
    /// From `postgres://user:password@host:port/name?sslmode=…`.
    ///
    /// Without `sslmode` TLS is used where the server offers it, unverified. `sslmode=verify-full` demands it and
    /// verifies the server against the public roots, which is right for RDS Proxy (its certificate is Amazon Trust
    /// Services'); for a database instance add `&sslrootcert=/path/to/rds-bundle.pem`.
    pub fn new(url: &str) -> Result<Self, InvalidSettings> {
        let options: PgConnectOptions = url
            .parse()
            .map_err(|error: sqlx::Error| InvalidSettings(format!("the URL is not valid: {error}")))?;
        Ok(Self {
            // PgBouncer refuses unknown start-up parameters. And sqlx would log statements with their arguments.
            options: options.extra_float_digits(None).disable_statement_logging(),
            connections: 1,
            acquire_limit: Duration::from_secs(3),
            statement_limit: Duration::from_secs(6),
            trusted_for: Duration::from_secs(1),
            signer: None,
        })
    }

    /// At most so many connections. Default 1, because an ordinary Lambda environment serves one request at a time; on
    /// Managed Instances the environment's concurrency.
    #[must_use]
    pub fn connections(self, connections: usize) -> Self {
        Self { connections: connections.max(1), ..self }
    }

    /// How long a request waits for a connection, connecting included. Default 3 s.
    #[must_use]
    pub fn acquire_limit(self, acquire_limit: Duration) -> Self {
        Self { acquire_limit, ..self }
    }

    /// How long a statement may take before we give up on its connection. Default 6 s: longer than the server's own
    /// limit (5 s, on the role), so that the server ends a slow statement and the connection stays good. Ours is for a
    /// server that does not answer at all.
    #[must_use]
    pub fn statement_limit(self, statement_limit: Duration) -> Self {
        Self { statement_limit, ..self }
    }

    /// How long a connection may have been idle and still be used without being looked at first. Default 1 s.
    #[must_use]
    pub fn trusted_for(self, trusted_for: Duration) -> Self {
        Self { trusted_for, ..self }
    }

    /// Refuses an address that anybody between here and there could answer at: one without TLS, or without a look at
    /// whose certificate it is.
    pub fn verified(self) -> Result<Self, InvalidSettings> {
        if self.verifies() {
            Ok(self)
        } else {
            Err(InvalidSettings("write `?sslmode=verify-full` behind the URL".into()))
        }
    }

    fn verifies(&self) -> bool {
        use sqlx::postgres::PgSslMode::{VerifyCa, VerifyFull};
        matches!(self.options.get_ssl_mode(), VerifyCa | VerifyFull)
    }

    /// Logs in with IAM tokens instead of the URL's password. A token is a password: TLS must be verified.
    pub fn iam(self, signer: Signer) -> Result<Self, InvalidSettings> {
        if !self.verifies() {
            return Err(InvalidSettings("IAM authentication needs `?sslmode=verify-full` in the URL".into()));
        }
        Ok(Self { signer: Some(signer), ..self })
    }

    #[cfg(feature = "aws")]
    pub(super) fn signs_in_with_iam(&self) -> bool {
        self.signer.is_some()
    }

    /// A connection, its TCP, TLS and log-in done. A token is signed for each: microseconds, and never an expired one.
    pub(super) async fn connect(&self) -> sqlx::Result<PgConnection> {
        if let Some(signer) = &self.signer {
            let (host, port) = (self.options.get_host(), self.options.get_port());
            let token = iam::token(signer, host, port, self.options.get_username(), SystemTime::now());
            let token = token.await.map_err(sqlx::Error::Configuration)?;
            return PgConnection::connect_with(&self.options.clone().password(&token)).await;
        }
        PgConnection::connect_with(&self.options).await
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("host", &self.options.get_host())
            .field("port", &self.options.get_port())
            .field("user", &self.options.get_username())
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_shows_no_password() {
        let settings = Settings::new("postgres://shop:secret@db.test:6432/millrace").expect("valid");
        let shown = format!("{settings:?}");
        assert!(shown.contains("db.test") && !shown.contains("secret"), "{shown}");
        let error = Settings::new("secret@db:not-a-port").expect_err("invalid").to_string();
        assert!(error.contains("URL is not valid") && !error.contains("secret"), "{error}");
    }
}
