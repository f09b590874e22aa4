//! Secrets Manager.

use std::{sync::Arc, time::Duration};

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_secretsmanager::{Client, error::DisplayErrorContext};
use tokio::sync::OnceCell;

/// A client of Secrets Manager, made when it is first needed.
#[derive(Clone, Default)]
pub struct Manager(Arc<OnceCell<Client>>);

impl Manager {
    /// With this configuration instead of the environment's.
    pub fn with(config: &SdkConfig) -> Self {
        Self(Arc::new(OnceCell::new_with(Some(Client::new(config)))))
    }

    /// The current value of a secret, or why there is none.
    pub(super) async fn read(&self, arn: &str) -> Result<String, String> {
        let client = self.0.get_or_init(client).await;
        let secret = client.get_secret_value().secret_id(arn).send().await;
        let secret = secret.map_err(|error| DisplayErrorContext(error).to_string())?;
        secret.secret_string.ok_or_else(|| "the secret is binary, and not text".to_owned())
    }
}

/// Hard limits: a request waits for this, once in ten minutes.
async fn client() -> Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_millis(500))
        .operation_attempt_timeout(Duration::from_secs(1))
        .operation_timeout(Duration::from_secs(2))
        .build();
    let config = aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(2))
        .load()
        .await;
    Client::new(&config)
}
