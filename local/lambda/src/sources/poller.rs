//! One queue's poller, with the semantics of Lambda's event source mapping for SQS.
//!
//! Receive up to a batch, invoke, delete what succeeded. What failed is left alone: it becomes visible again when the
//! queue's visibility timeout has passed, and after `maxReceiveCount` receives the queue itself moves it to its
//! dead-letter queue.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context, Result};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName};
use serde::Deserialize;

use super::event;
use super::invoke::{Answer, Invoker};
use crate::tell::Tell;
use crate::template::QueueSource;

/// Short, so that a poller that is told to stop holds no message that nobody will handle.
const LONG_POLL_SECONDS: i32 = 1;
/// Between two tries while the queue or the functions cannot be reached.
const PAUSE: Duration = Duration::from_secs(1);
/// SQS gives and deletes at most this many messages at a time.
const MOST_AT_ONCE: u32 = 10;

/// A queue that is polled for a function.
#[derive(Clone, Debug)]
pub struct Polled {
    /// For people and for the event.
    pub name: String,
    /// Its address.
    pub url: String,
    /// For which function, and how.
    pub source: QueueSource,
}

/// Polls one queue for one function, one batch at a time.
pub struct Poller {
    sqs: Client,
    invoker: Invoker,
    queue: Polled,
    tell: Tell,
}

impl Poller {
    /// Says what it does where it is told to.
    pub fn new(sqs: Client, invoker: Invoker, queue: Polled, tell: Tell) -> Self {
        Self { sqs, invoker, queue, tell }
    }

    /// Polls for ever.
    pub async fn run(self) {
        let mut troubled = false;
        loop {
            let outcome = self.poll().await;
            if let Err(error) = &outcome {
                if !troubled {
                    (self.tell)(format_args!("{}: {error:#}; trying on", self.queue.name));
                }
                tokio::time::sleep(PAUSE).await;
            }
            troubled = outcome.is_err();
        }
    }

    /// Handles one batch, or waits a moment for one.
    async fn poll(&self) -> Result<()> {
        let received = self
            .sqs
            .receive_message()
            .queue_url(&self.queue.url)
            .max_number_of_messages(self.queue.source.batch_size.min(MOST_AT_ONCE).cast_signed())
            .wait_time_seconds(LONG_POLL_SECONDS)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All");
        let messages =
            received.send().await.context("the queue does not answer")?.messages.unwrap_or_default();
        if messages.is_empty() {
            return Ok(());
        }
        let payload = event::of_messages(&self.queue.name, &messages).to_string();
        let answer = self.invoker.invoke(&self.queue.source.function, payload).await?;
        let done = succeeded(&messages, &answer, self.queue.source.reports_failures);
        self.report(&messages, &answer, done.len());
        self.delete(&done).await
    }

    fn report(&self, messages: &[Message], answer: &Answer, done: usize) {
        let (function, all) = (&self.queue.source.function, messages.len());
        match answer {
            Answer::Failed(reason) => {
                (self.tell)(format_args!("{function}: {all} messages failed: {reason}"));
            }
            Answer::Returned(_) if done == all => {
                (self.tell)(format_args!("{function}: {all} messages done"));
            }
            Answer::Returned(body) => {
                (self.tell)(format_args!(
                    "{function}: {done} of {all} messages done, the others will come again: {body}"
                ));
            }
        }
    }

    async fn delete(&self, messages: &[&Message]) -> Result<()> {
        if messages.is_empty() {
            return Ok(());
        }
        let entries = messages.iter().enumerate().map(|(number, message)| {
            let handle = message.receipt_handle().unwrap_or_default();
            DeleteMessageBatchRequestEntry::builder().id(number.to_string()).receipt_handle(handle).build()
        });
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        let request = self.sqs.delete_message_batch().queue_url(&self.queue.url).set_entries(Some(entries));
        request.send().await.context("messages that were handled could not be deleted")?;
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchResponse {
    #[serde(default)]
    batch_item_failures: Option<Vec<Failure>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    item_identifier: Option<String>,
}

/// Which messages are done with. Lambda's rules for partial batch responses: nothing, `null`, `{}` and an empty list
/// mean that all succeeded; an answer that cannot be read, or that names a message which was not in the batch, means
/// that all failed.
fn succeeded<'m>(messages: &'m [Message], answer: &Answer, reports_failures: bool) -> Vec<&'m Message> {
    let Answer::Returned(body) = answer else { return Vec::new() };
    if !reports_failures || body.trim().is_empty() {
        return messages.iter().collect();
    }
    let Ok(response) = serde_json::from_str::<Option<BatchResponse>>(body) else { return Vec::new() };
    let failures = response.and_then(|response| response.batch_item_failures).unwrap_or_default();
    let failed: HashSet<_> = failures.iter().map(|failure| failure.item_identifier.as_deref()).collect();
    let known: HashSet<_> = messages.iter().map(Message::message_id).collect();
    if failed.contains(&None) || !failed.is_subset(&known) {
        return Vec::new();
    }
    messages.iter().filter(|message| !failed.contains(&message.message_id())).collect()
}

#[cfg(test)]
mod tests;
