//! What invokes functions besides HTTP: queues and schedules, as Lambda's event source mappings and `EventBridge`
//! Scheduler do, since nothing does it locally.

mod event;
mod invoke;
mod poller;
mod schedule;

use anyhow::Result;
use aws_config::BehaviorVersion;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{Credentials, Region};
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

pub(crate) use invoke::{Answer, Invoker};

use crate::cloud::{AWS_REGION, Cloud};
use crate::progress::say;
use crate::services::Service;
use poller::Poller;

/// Polls and fires until SIGTERM. Its own log (`./dev logs dispatcher`) tells what was invoked and what came of it.
pub(crate) async fn run(cloud: &Cloud) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let sqs = sqs_client(&cloud.http(Service::Sqs)?).await;
    let invoker = Invoker::new(cloud.http(Service::Functions)?)?;
    let mut pollers = JoinSet::new();
    poll(cloud, &sqs, &invoker, &mut pollers)?;
    for schedule in cloud.template.schedules.iter().filter(|schedule| exists(cloud, &schedule.function)) {
        match schedule::interval(&schedule.expression) {
            Some(interval) => {
                say(format_args!("{} → {}", schedule.expression, schedule.function));
                tokio::spawn(schedule::run(invoker.clone(), schedule.clone(), interval));
            }
            None => say(format_args!(
                "{} → {}: only rate(…) fires locally; by hand: {} invoke {}",
                schedule.expression, schedule.function, cloud.folder.dev, schedule.function
            )),
        }
    }
    terminate.recv().await;
    Ok(())
}

/// Sets the pollers of all queues to work.
pub(crate) fn poll(cloud: &Cloud, sqs: &Client, invoker: &Invoker, pollers: &mut JoinSet<()>) -> Result<()> {
    for source in cloud.template.sources.iter().filter(|source| exists(cloud, &source.function)) {
        let Some(queue) = cloud.template.queue(&source.queue) else { continue };
        say(format_args!("{} → {} (batches of {})", queue.name, source.function, source.batch_size));
        for _ in 0..source.concurrency {
            let url = cloud.queue_url(&queue.name)?;
            let poller = Poller::new(sqs.clone(), invoker.clone(), url, &queue.name, source.clone());
            pollers.spawn(poller.run());
        }
    }
    Ok(())
}

/// What a schedule sends to its function.
pub(crate) fn schedule_event(function: &str) -> Value {
    event::of_schedule(function)
}

/// A client of the local SQS server.
pub(crate) async fn sqs_client(endpoint: &str) -> Client {
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::from_static(AWS_REGION))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .endpoint_url(endpoint)
        .load();
    Client::new(&config.await)
}

/// The template names all functions, also those that are not written yet.
fn exists(cloud: &Cloud, function: &str) -> bool {
    cloud.folder.root.join("functions").join(function).join("Cargo.toml").exists()
}
