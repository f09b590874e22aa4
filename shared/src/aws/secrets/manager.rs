//! Secrets Manager.

use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::DisplayErrorContext;
use tokio::sync::OnceCell;

use crate::aws::client;

const ENDPOINT: &str = "AWS_ENDPOINT_URL_SECRETS_MANAGER";

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
        let make = async || client::of_function(ENDPOINT).map(|config| Client::new(&config));
        let client = self.0.get_or_try_init(make).await.map_err(|error| error.to_string())?;
        let secret = client.get_secret_value().secret_id(arn).send().await;
        let secret = secret.map_err(|error| DisplayErrorContext(error).to_string())?;
        secret.secret_string.ok_or_else(|| "the secret is binary, and not text".to_owned())
    }
}
