//! What only those functions have that charge: the payment provider, what stands before it, and the queue of charges
//! that were put off. Made when it is first needed.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::aws::queue::Queue;
use crate::aws::secrets::{Made, Rotating};
use crate::breaker::{self, Breaker};
use crate::checkout::Gate;
use crate::config::{self, Config};
use crate::error::Result;
use crate::payments::{self, Payments, Secret};
use crate::redis::Redis;
use crate::token_bucket::TokenBuckets;

/// See the module.
pub struct Charging {
    /// Stands before the provider.
    pub breaker: Breaker,
    /// How many calls the provider takes.
    pub tokens: TokenBuckets,
    /// Both at once, for whoever has somebody waiting.
    pub gate: Gate,
    payments: Rotating<Payments>,
    webhook_secrets: Rotating<Vec<Secret>>,
    queue: tokio::sync::OnceCell<Queue>,
}

impl Charging {
    /// Looks at `PAYMENTS_WEBHOOK_SECRET` at once where it stands in the environment: later nobody would, and an event
    /// of anybody's be believed.
    pub(super) fn new(config: &Config, redis: Redis) -> Result<Self, payments::TooShort> {
        if let Ok(secrets) = config::required("PAYMENTS_WEBHOOK_SECRET") {
            payments::signing_secrets(&secrets)?;
        }
        let settings = breaker::Settings {
            open_for: config.breaker_open,
            minimum_environments: config.breaker_min_environments,
            // However many calls charging takes, all of it ends with the invocation's time limit of 20 s.
            lease: Duration::from_secs(25),
            ..breaker::Settings::DEFAULT
        };
        let breaker = Breaker::new("payments", settings, redis.clone(), Uuid::now_v7().to_string());
        let tokens = TokenBuckets::new("payments", config.payments_rate_limit);
        Ok(Self {
            gate: Gate::new(breaker.clone(), tokens.clone(), redis),
            breaker,
            tokens,
            payments: Rotating::of_setting("PAYMENTS_KEY", payments),
            webhook_secrets: Rotating::of_setting("PAYMENTS_WEBHOOK_SECRET", |secrets| {
                payments::signing_secrets(secrets).map_err(|error| error.to_string())
            }),
            queue: tokio::sync::OnceCell::new(),
        })
    }

    /// The provider; needs `PAYMENTS_URL` and `PAYMENTS_KEY`.
    pub async fn payments(&self) -> Result<Arc<Payments>> {
        Ok(self.payments.get().await?)
    }

    /// What the provider signs its webhooks with; needs `PAYMENTS_WEBHOOK_SECRET`, with commas between several: while a
    /// secret is being rotated both are good.
    pub fn webhook_secrets(&self) -> &Rotating<Vec<Secret>> {
        &self.webhook_secrets
    }

    /// The queue of deferred charges; needs `DEFERRED_CHARGES_QUEUE_URL`.
    pub async fn queue(&self) -> Result<&Queue> {
        let make = async || {
            let url = config::required("DEFERRED_CHARGES_QUEUE_URL").map_err(crate::error::internal)?;
            Queue::new(url)
        };
        self.queue.get_or_try_init(make).await
    }
}

fn payments(key: &str) -> Made<Payments> {
    let base_url = config::required("PAYMENTS_URL").map_err(|error| error.to_string())?;
    let settings = payments::Settings { base_url, secret_key: Secret::new(key) };
    Payments::new(&settings).map_err(|error| error.to_string())
}
