//! SQS: messages that nudge somebody to look at an order.
//!
//! A message is never the truth, so losing one costs time and nothing else; hence short time limits and one retry.

use std::time::Duration;

use aws_config::{BehaviorVersion, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_sqs::{Client, types::SendMessageBatchRequestEntry};

/// Most entries SQS takes in one call.
pub const BATCH: usize = 10;

/// The longest delay SQS takes, in seconds.
const MOST_DELAY: i32 = 900;

/// Why messages were not sent.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The call failed, or ran out of time.
    #[error("sending to SQS: {0}")]
    Call(String),
    /// SQS took the call and refused some of its messages.
    #[error("SQS refused {0} of the messages")]
    Refused(usize),
}

/// One queue.
#[derive(Clone)]
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    /// The queue at this address. Loads credentials and region from the environment; no network.
    pub async fn new(url: String) -> Self {
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
        Self { client: Client::new(&config), url }
    }

    /// Sends one message, to be received after `delay`; SQS delays by 15 minutes at most.
    pub async fn send(&self, body: String, delay: Duration) -> Result<(), Error> {
        let seconds = i32::try_from(delay.as_millis().div_ceil(1000)).unwrap_or(MOST_DELAY).min(MOST_DELAY);
        let call = self.client.send_message().queue_url(&self.url).message_body(body).delay_seconds(seconds);
        call.send().await.map(|_| ()).map_err(|error| failed(&error))
    }

    /// Sends up to [`BATCH`] messages in one call.
    pub async fn send_batch(&self, bodies: impl IntoIterator<Item = String>) -> Result<(), Error> {
        let mut call = self.client.send_message_batch().queue_url(&self.url);
        for (index, body) in bodies.into_iter().enumerate() {
            let entry = SendMessageBatchRequestEntry::builder().id(index.to_string()).message_body(body);
            call = call.entries(entry.build().map_err(|error| failed(&error))?);
        }
        let refused = call.send().await.map_err(|error| failed(&error))?.failed.len();
        if refused == 0 { Ok(()) } else { Err(Error::Refused(refused)) }
    }
}

/// The SDK's own text says little more than "service error"; its sources say why.
fn failed(error: &dyn std::error::Error) -> Error {
    Error::Call(aws_sdk_sqs::error::DisplayErrorContext(error).to_string())
}
