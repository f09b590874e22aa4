//! Which AWS there is: the account and the region that the local SQS server and the functions agree on.

use anyhow::Result;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Credentials;

/// The account's number.
pub const AWS_ACCOUNT: &str = "123456789012";
/// The region.
pub const AWS_REGION: &str = "us-east-1";

/// A client of the local SQS server.
///
/// # Errors
/// See [`shared::aws::client::config`].
pub fn sqs_client(endpoint: &str) -> Result<Client> {
    let keys = Credentials::new("local", "local", None, None, "local");
    Ok(Client::new(&shared::aws::client::config(AWS_REGION, keys, Some(endpoint.to_owned()))?))
}
