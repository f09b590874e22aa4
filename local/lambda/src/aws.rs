//! Which AWS there is: the account and the region that the local SQS server and the functions agree on.

use aws_config::BehaviorVersion;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{Credentials, Region};

/// The account's number.
pub const AWS_ACCOUNT: &str = "123456789012";
/// The region.
pub const AWS_REGION: &str = "us-east-1";

/// A client of the local SQS server.
pub async fn sqs_client(endpoint: &str) -> Client {
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::from_static(AWS_REGION))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .endpoint_url(endpoint)
        .load();
    Client::new(&config.await)
}
