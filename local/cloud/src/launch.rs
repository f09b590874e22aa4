//! Starts a service and waits until it answers.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::process::{Child, Command};

use crate::cloud::Cloud;
use crate::process::Identity;
use crate::record;
use crate::service::Service;
use crate::services;

/// A service that does not answer within this time has failed. Postgres may have to recover first.
const READY_WITHIN: Duration = Duration::from_mins(1);

/// Starts its process, for whose end somebody has to wait.
pub fn spawn(cloud: &Cloud, service: Service) -> Result<(Identity, Child)> {
    let program = services::program(service, cloud)?;
    let command = program.logged(&cloud.launcher, &cloud.folder.log(service.name()))?;
    let child = Command::from(command).spawn()?;
    let process = child.id().and_then(Identity::of).context("it ended at once")?;
    Ok((process, child))
}

/// Waits until the service answers, or this process of it has ended instead.
pub async fn until_it_answers(cloud: &Cloud, service: Service, process: Identity) -> Result<()> {
    let (name, begun) = (service.name(), Instant::now());
    let tail = || record::tail(&cloud.folder, service);
    while let Err(silence) = Box::pin(services::ask(service, cloud)).await {
        if !process.is_alive() {
            bail!("{name} ended instead of answering. {}", tail());
        }
        if begun.elapsed() > READY_WITHIN {
            return Err(silence.context(format!("{name} does not answer. {}", tail())));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Somebody else may answer on the port while ours could not bind it.
    ensure!(process.is_alive(), "{name} ended at once");
    Ok(())
}
