//! What a handler may touch. Built from the [`Config`] without any network: the first request pays for its connections.

#[cfg(feature = "aws")]
mod charging;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "aws")]
pub use charging::Charging;

use crate::auth::Authority;
use crate::auth::provider::{self, Provider};
use crate::auth::token::{self, Verifier};
use crate::aws::presign::Signer;
use crate::aws::secrets::Rotating;
use crate::cache::{Cache, Region};
use crate::catalog::{Announcement, Changed};
use crate::config::{self, Config};
use crate::database::{self, Database};
use crate::edge::{self, Edge};
use crate::error::Result;
use crate::last_moment::LastMoment;
use crate::rate_limit::Limiter;
use crate::redis::{self, Redis};

/// The breakers that there are, for operators: what they call one is the name that it is made with.
pub const BREAKERS: [&str; 1] = ["payments"];

/// Everything a handler may touch; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Services>);

/// See [`App`].
pub struct Services {
    /// Postgres, behind its pooler.
    pub database: Database,
    /// Redis: one batch, one round trip.
    pub redis: Redis,
    /// Who may ask how often.
    pub limiter: Limiter,
    /// Whose access tokens are accepted.
    pub authority: Authority,
    /// Knows CloudFront from who says that he is.
    pub edge: Edge,
    /// Cached products, by id.
    pub products: Cache,
    /// The cached list of the front page.
    pub featured: Cache,
    /// Cached answers to searches.
    pub searches: Cache,
    /// How long after it was placed an order is given up that could not be charged.
    pub order_deadline: Duration,
    /// Ends invocations that do not end themselves.
    pub(crate) last_moment: LastMoment,
    /// What a customer may leave unpaid at a time.
    pub unpaid: config::Unpaid,
    issuer: Rotating<token::Issuer>,
    /// The payment provider, and what stands before it.
    #[cfg(feature = "aws")]
    pub charging: Charging,
}

/// A setting with which nothing could work. Its text holds no secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A variable is missing or malformed.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// See `DATABASE_URL`.
    #[error("DATABASE_URL: {0}")]
    Database(#[from] database::InvalidSettings),
    /// See `REDIS_URL` and `REDIS_CA_FILE`.
    #[error("Redis: {0}")]
    Redis(#[from] redis::InvalidSettings),
    /// See `TOKEN_PUBLIC_KEY`.
    #[error(transparent)]
    Token(#[from] token::Error),
    /// See `TOKEN_ISSUER`.
    #[error(transparent)]
    Provider(#[from] provider::SettingsError),
    /// See `EDGE_SECRET_HASHES`.
    #[error(transparent)]
    Edge(#[from] edge::Error),
    /// See `PAYMENTS_WEBHOOK_SECRET`.
    #[cfg(feature = "aws")]
    #[error(transparent)]
    SigningSecrets(#[from] crate::payments::TooShort),
}

impl App {
    /// From the environment's variables.
    pub fn from_env() -> Result<Self, Error> {
        Self::new(&Config::from_env()?)
    }

    /// From these settings. No network.
    pub fn new(config: &Config) -> Result<Self, Error> {
        let mut database = database::Settings::new(&config.database_url)?.connections(config.concurrency);
        if config.require_tls {
            database = database.verified()?;
        }
        if config.database_iam_auth {
            database = database.iam(Signer::of_function()?)?;
        }
        let sign_in = |cache: &String| Ok::<_, Error>(redis::Iam::new(Signer::of_function()?, cache));
        let redis = Redis::new(redis::Settings {
            iam: config.redis_iam_cache.as_ref().map(sign_in).transpose()?,
            cluster: config.redis_cluster,
            tls_only: config.require_tls,
            ca_certificate: config.redis_ca.clone(),
            ..redis::Settings::new(&config.redis_url)
        })?;
        let cache = |name| Cache::new(Region::new(name).fresh_for(config.cache_ttl), redis.clone());
        Ok(Self(Arc::new(Services {
            database: Database::new(database),
            limiter: Limiter::default(),
            authority: match config.identity_provider.clone() {
                Some(provider) => Authority::Provider(Provider::new(provider)?),
                None => Authority::Shop(Box::new(Verifier::new(&config.token_public_key)?)),
            },
            edge: Edge::new(&config.edge_secret_hashes)?,
            products: cache("product"),
            featured: cache("featured"),
            // Short, because there are more searches than products, and most are asked once.
            searches: Cache::new(
                Region::new("search").in_generations().fresh_for(Duration::from_secs(30)),
                redis.clone(),
            ),
            #[cfg(feature = "aws")]
            charging: Charging::new(config, redis.clone())?,
            order_deadline: config.order_deadline,
            last_moment: LastMoment::default(),
            unpaid: config.unpaid,
            redis,
            issuer: Rotating::of_setting("TOKEN_PRIVATE_KEY", |key| {
                token::Issuer::new(key).map_err(|error| error.to_string())
            }),
        })))
    }
}

impl Deref for App {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.0
    }
}

impl Services {
    /// A command for after the commit of changes to products, before they are acknowledged: whatever is cached and may
    /// hold one of them is told. Send it with [`Redis::insist`]; its answer is how many invalidations Redis did not
    /// confirm.
    pub fn announce(&self, changed: &[Changed]) -> Announcement {
        Announcement::new(changed, &self.products, &self.featured, &self.searches)
    }

    /// Issues access tokens; made when it is first needed, of `TOKEN_PRIVATE_KEY`.
    pub async fn issuer(&self) -> Result<Arc<token::Issuer>> {
        Ok(self.issuer.get().await?)
    }
}
