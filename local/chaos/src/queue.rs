//! The queue of deferred charges, seen from outside.

use anyhow::{Context, Result};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;

/// The queue.
pub(super) struct Queue {
    pub(super) sqs: Client,
    pub(super) url: String,
}

impl Queue {
    /// Forgets all messages.
    pub(super) async fn empty(&self) -> Result<()> {
        let purged = self.sqs.purge_queue().queue_url(&self.url).send().await;
        purged.context("the queue cannot be emptied").map(drop)
    }

    /// Sends up to ten messages.
    pub(super) async fn send(&self, bodies: Vec<String>) -> Result<()> {
        let entries = bodies.into_iter().enumerate().map(|(number, body)| {
            SendMessageBatchRequestEntry::builder().id(number.to_string()).message_body(body).build()
        });
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        let sent = self.sqs.send_message_batch().queue_url(&self.url).set_entries(Some(entries)).send().await;
        sent.context("the queue takes no messages").map(drop)
    }
}
