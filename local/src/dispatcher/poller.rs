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

use super::{Answer, Invoker, event};
use crate::progress::say;
use crate::template::QueueSource;

/// Short, so that a poller that is told to stop holds no message that nobody will handle.
const LONG_POLL_SECONDS: i32 = 1;
/// Between two tries while the queue or the functions cannot be reached.
const PAUSE: Duration = Duration::from_secs(1);
/// SQS gives and deletes at most this many messages at a time.
const MOST_AT_ONCE: u32 = 10;

/// Polls one queue for one function, one batch at a time.
pub(super) struct Poller {
    sqs: Client,
    invoker: Invoker,
    queue_url: String,
    queue: String,
    source: QueueSource,
}

impl Poller {
    pub(super) fn new(
        sqs: Client,
        invoker: Invoker,
        queue_url: String,
        queue: &str,
        source: QueueSource,
    ) -> Self {
        Self { sqs, invoker, queue_url, queue: queue.to_owned(), source }
    }

    /// Polls for ever.
    pub(super) async fn run(self) {
        let mut troubled = false;
        loop {
            let outcome = self.poll().await;
            if let Err(error) = &outcome {
                if !troubled && !matches!(self.invoker, Invoker::Fleet(_)) {
                    say(format_args!("{}: {error:#}; trying on", self.queue));
                }
                tokio::time::sleep(PAUSE).await;
            }
            troubled = outcome.is_err();
        }
    }

    /// Handles one batch, or waits a moment for one.
    pub(super) async fn poll(&self) -> Result<()> {
        let received = self
            .sqs
            .receive_message()
            .queue_url(&self.queue_url)
            .max_number_of_messages(self.source.batch_size.min(MOST_AT_ONCE).cast_signed())
            .wait_time_seconds(LONG_POLL_SECONDS)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All");
        let messages =
            received.send().await.context("the queue does not answer")?.messages.unwrap_or_default();
        if messages.is_empty() {
            return Ok(());
        }
        let payload = event::of_messages(&self.queue, &messages).to_string();
        let answer = self.invoker.invoke(&self.source.function, payload).await?;
        let done = succeeded(&messages, &answer, self.source.reports_failures);
        self.tell(&messages, &answer, done.len());
        self.delete(&done).await
    }

    fn tell(&self, messages: &[Message], answer: &Answer, done: usize) {
        // Where functions are killed on purpose, their failures are no news.
        if matches!(self.invoker, Invoker::Fleet(_)) {
            return;
        }
        let (function, all) = (&self.source.function, messages.len());
        match answer {
            Answer::Failed(reason) => say(format_args!("{function}: {all} messages failed: {reason}")),
            Answer::Returned(_) if done == all => say(format_args!("{function}: {all} messages done")),
            Answer::Returned(body) => {
                say(format_args!(
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
        let request = self.sqs.delete_message_batch().queue_url(&self.queue_url).set_entries(Some(entries));
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
