//! SQS: messages that nudge somebody to look at an order.
//!
//! A message is never the truth, so losing one costs time and nothing else; hence short time limits and one retry. It
//! carries X-Ray's header of the request that sent it, so that a trace goes on where the message is handled.

use std::time::{Duration, Instant};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::MessageSystemAttributeNameForSends::{self, AwsTraceHeader};
use aws_sdk_sqs::types::{MessageSystemAttributeValue, SendMessageBatchRequestEntry};

use super::client;
use crate::telemetry::{self, Counter, Timer};
use crate::time_limit::whole_seconds;

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
    /// The queue at this address. Credentials and region are the environment's; no network.
    ///
    /// # Errors
    /// Where the environment has none.
    pub fn new(url: String) -> crate::error::Result<Self> {
        let config = client::of_function("AWS_ENDPOINT_URL_SQS").map_err(crate::error::internal)?;
        Ok(Self { client: Client::new(&config), url })
    }

    /// Sends one message, to be received after `delay`; SQS delays by 15 minutes at most.
    pub async fn send(&self, body: String, delay: Duration) -> Result<(), Error> {
        let seconds = whole_seconds(delay).min(MOST_DELAY);
        let call = self.client.send_message().queue_url(&self.url).message_body(body).delay_seconds(seconds);
        let call = call.set_message_system_attributes(trace()?.map(|trace| [trace].into()));
        measured(1, async { call.send().await.map(|_| 0).map_err(|error| failed(&error)) }).await
    }

    /// Sends up to [`BATCH`] messages in one call.
    pub async fn send_batch(&self, bodies: impl IntoIterator<Item = String>) -> Result<(), Error> {
        let (trace, mut messages) = (trace()?, 0);
        let mut call = self.client.send_message_batch().queue_url(&self.url);
        for (index, body) in bodies.into_iter().enumerate() {
            let entry = SendMessageBatchRequestEntry::builder().id(index.to_string()).message_body(body);
            let entry = entry.set_message_system_attributes(trace.clone().map(|trace| [trace].into()));
            call = call.entries(entry.build().map_err(|error| failed(&error))?);
            messages += 1;
        }
        let send = async { call.send().await.map(|sent| sent.failed.len()).map_err(|error| failed(&error)) };
        measured(messages, send).await
    }
}

/// Sends `messages`, of which SQS refuses as many as `send` answers.
async fn measured(messages: u32, send: impl Future<Output = Result<usize, Error>>) -> Result<(), Error> {
    let began = Instant::now();
    let result = send.await;
    telemetry::time(Timer::QueueTime, began.elapsed());
    let lost = result.as_ref().map_or(messages, |refused| u32::try_from(*refused).unwrap_or(messages));
    telemetry::add(Counter::QueueFailed, lost);
    telemetry::add(Counter::QueueSent, messages - lost);
    match result? {
        0 => Ok(()),
        refused => Err(Error::Refused(refused)),
    }
}

/// X-Ray's header of the current invocation, as SQS takes it along.
fn trace() -> Result<Option<(MessageSystemAttributeNameForSends, MessageSystemAttributeValue)>, Error> {
    let Some(header) = telemetry::trace_header() else { return Ok(None) };
    let value = MessageSystemAttributeValue::builder().data_type("String").string_value(header);
    Ok(Some((AwsTraceHeader, value.build().map_err(|error| failed(&error))?)))
}

/// The SDK's own text says little more than "service error"; its sources say why.
fn failed(error: &dyn std::error::Error) -> Error {
    Error::Call(aws_sdk_sqs::error::DisplayErrorContext(error).to_string())
}
