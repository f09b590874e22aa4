//! The SQS server: moto, which gets visibility, delays and redrive right and keeps nothing on disk;
//! `local/tools/sqs_server.py` starts it so that it can hold thousands of messages.

use anyhow::{Context, Result};
use aws_sdk_sqs::types::QueueAttributeName;

use super::answers::answers;
use crate::cloud::Cloud;
use crate::process::Program;
use crate::service::Service;
use lambda::aws::{AWS_ACCOUNT, AWS_REGION};

pub(super) fn program(cloud: &Cloud) -> Result<Program> {
    let (root, port) = (&cloud.folder.root, cloud.port(Service::Sqs)?.to_string());
    let server = root.join("local/tools/sqs_server.py").display().to_string();
    let python = root.join(".dev/tools/cloud/bin/python");
    Ok(Program::new(python, [&server, "--host", "127.0.0.1", "--port", &port]))
}

pub(super) async fn ask(cloud: &Cloud) -> Result<()> {
    answers(&format!("{}/moto-api/", cloud.http(Service::Sqs)?)).await
}

/// Creates the queues of template.yaml, those without a redrive policy first: they are the dead-letter queues that the
/// others point to.
pub(super) async fn furnish(cloud: &Cloud) -> Result<()> {
    let client = cloud.sqs()?;
    let mut queues: Vec<_> = cloud.template.queues.iter().collect();
    queues.sort_by_key(|queue| queue.redrive.is_some());
    for queue in queues {
        let mut request = client.create_queue().queue_name(&queue.name);
        request =
            request.attributes(QueueAttributeName::VisibilityTimeout, queue.visibility_seconds.to_string());
        if let Some(redrive) = &queue.redrive {
            let target = cloud.template.queue(&redrive.target);
            let target = target.with_context(|| format!("template.yaml has no queue {}", redrive.target))?;
            let policy = serde_json::json!({
                "deadLetterTargetArn": format!("arn:aws:sqs:{AWS_REGION}:{AWS_ACCOUNT}:{}", target.name),
                "maxReceiveCount": redrive.max_receives,
            });
            request = request.attributes(QueueAttributeName::RedrivePolicy, policy.to_string());
        }
        request.send().await.with_context(|| format!("cannot create the queue {}", queue.name))?;
    }
    Ok(())
}
