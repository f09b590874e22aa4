//! How AWS is called by its own clients: with hard limits, because a request waits for the answer.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};

use super::keys::{Error, Keys};
use super::transport::Transport;
use crate::config;

/// For what a function asks of a service: its region, its role's keys, two tries, and two seconds in all. The variable
/// `endpoint` names another server than AWS's own. No network.
///
/// AWS's own loader also looks for profiles and for other roles to take, none of which a function has, and so links a
/// client of STS.
///
/// # Errors
/// Where the environment has no region or no keys.
pub(super) fn of_function(endpoint: &str) -> Result<SdkConfig, Error> {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(1))
        .operation_timeout(Duration::from_secs(2))
        .build();
    let endpoint = config::first(&[endpoint, "AWS_ENDPOINT_URL"]);
    Ok(config(config::required("AWS_REGION")?, Keys::of_function()?, endpoint)?
        .into_builder()
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(2))
        .build())
}

/// For what is asked in this region with these keys, at this address if not at AWS's own.
///
/// # Errors
/// None that could happen: the crypto library has what TLS needs.
pub fn config(
    region: impl Into<String>,
    keys: impl ProvideCredentials + 'static,
    endpoint: Option<String>,
) -> Result<SdkConfig, rustls::Error> {
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.into()))
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .http_client(Transport::new()?);
    config.set_endpoint_url(endpoint);
    Ok(config.build())
}
