//! `redrive`: what is in the dead-letter queue goes back to where it came from.
//!
//! On AWS `aws sqs start-message-move-task` does it. The local SQS server has no such tasks.

use anyhow::{Context, Result};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message, SendMessageBatchRequestEntry};

use cloud::Cloud;
use cloud::folder::Folder;
use cloud::progress::tell;

/// Sends all messages back. One that is sent and not deleted, because this was interrupted, comes twice: harmless,
/// since a message only says which order to look at.
pub(crate) async fn redrive(folder: Folder) -> Result<()> {
    let cloud = Cloud::open(folder)?;
    let sqs = cloud.sqs()?;
    for queue in &cloud.template.queues {
        let Some(redrive) = &queue.redrive else { continue };
        let letters = cloud.template.queue(&redrive.target);
        let letters = letters.with_context(|| format!("template.yaml has no queue {}", redrive.target))?;
        let (from, to) = (cloud.queue_url(&letters.name)?, cloud.queue_url(&queue.name)?);
        let mut moved = 0;
        loop {
            let messages = receive(&sqs, &from).await?;
            if messages.is_empty() {
                break;
            }
            send(&sqs, &to, &messages).await?;
            delete(&sqs, &from, &messages).await?;
            moved += messages.len();
        }
        tell(format_args!("{moved} messages: {} → {}", letters.name, queue.name));
    }
    Ok(())
}

async fn receive(sqs: &Client, queue: &str) -> Result<Vec<Message>> {
    let received = sqs.receive_message().queue_url(queue).max_number_of_messages(10).send().await;
    Ok(received.context("the dead-letter queue does not answer")?.messages.unwrap_or_default())
}

async fn send(sqs: &Client, queue: &str, messages: &[Message]) -> Result<()> {
    let entries = messages.iter().enumerate().map(|(number, message)| {
        let body = message.body().unwrap_or_default();
        SendMessageBatchRequestEntry::builder().id(number.to_string()).message_body(body).build()
    });
    let entries = entries.collect::<Result<Vec<_>, _>>()?;
    let sent = sqs.send_message_batch().queue_url(queue).set_entries(Some(entries)).send().await;
    let refused = sent.context("the queue takes no messages")?.failed.len();
    anyhow::ensure!(refused == 0, "the queue refused {refused} messages; nothing was deleted");
    Ok(())
}

async fn delete(sqs: &Client, queue: &str, messages: &[Message]) -> Result<()> {
    let entries = messages.iter().enumerate().map(|(number, message)| {
        let handle = message.receipt_handle().unwrap_or_default();
        DeleteMessageBatchRequestEntry::builder().id(number.to_string()).receipt_handle(handle).build()
    });
    let entries = entries.collect::<Result<Vec<_>, _>>()?;
    let deleted = sqs.delete_message_batch().queue_url(queue).set_entries(Some(entries)).send().await;
    deleted.context("messages that were sent back could not be deleted").map(drop)
}
