//! How many messages wait in the queues.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName::{
    ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible,
};

use cloud::Cloud;

/// Messages of one queue.
pub struct Queue {
    /// Its own.
    pub name: String,
    /// For somebody to take them.
    pub waiting: u64,
    /// With somebody who has taken them.
    pub in_flight: u64,
}

/// All of a cloud's; those that do not answer are left out.
pub async fn all(cloud: &Cloud, sqs: &Client) -> Vec<Queue> {
    let mut queues = Vec::new();
    for queue in &cloud.template.queues {
        let Ok(url) = cloud.queue_url(&queue.name) else { continue };
        let names = [ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible];
        let request = sqs.get_queue_attributes().queue_url(url).set_attribute_names(Some(names.to_vec()));
        let answer = tokio::time::timeout(Duration::from_secs(1), request.send()).await;
        let Some(attributes) = answer.ok().and_then(Result::ok).and_then(|answer| answer.attributes) else {
            continue;
        };
        let number = |name| attributes.get(name).and_then(|number| number.parse().ok()).unwrap_or_default();
        let (waiting, in_flight) = (number(&names[0]), number(&names[1]));
        queues.push(Queue { name: queue.name.clone(), waiting, in_flight });
    }
    queues
}
