//! How a cloud that is running is ended, emptied, or left without one of its services for a while.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::Signal;

use crate::account;
use crate::folder::Folder;
use crate::progress::{Part, say, step};
use crate::record::{self, State};
use crate::service::Service;

/// Longest time that a supervisor takes to end: its patience with each service, and then some.
const DOWN_WITHIN: Duration = Duration::from_secs(90);
/// How often a file that another process writes is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Stops everything.
pub async fn down(folder: &Folder) -> Result<()> {
    if let Some((_, process)) = record::supervisor(folder) {
        process.signal(Signal::SIGTERM);
        step("Stopping everything", async {
            let asked = Instant::now();
            while process.is_alive() {
                if asked.elapsed() > DOWN_WITHIN {
                    process.signal(Signal::SIGKILL);
                }
                tokio::time::sleep(LOOK).await;
            }
            Ok(())
        })
        .await?;
    }
    // What a supervisor that was killed left behind; after an orderly end there is nothing.
    record::end_left_over(folder).await
}

/// Stops everything and wipes the data.
pub async fn reset(folder: &Folder) -> Result<()> {
    down(folder).await?;
    account::remove_outside(folder)?;
    for name in ["data", "logs", "run", "env", "secrets"] {
        let path = folder.path.join(name);
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        match removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {}", path.display()));
            }
            _ => {}
        }
    }
    say(format_args!("  The data is gone; {} up makes it anew.", folder.dev));
    Ok(())
}

/// Takes one service away.
pub async fn stop(folder: &Folder, service: Service) -> Result<()> {
    ensure_it_is_there(folder, service)?;
    fs::write(folder.stop_marker(service.name()), "")?;
    wish(folder, service, "Stopping", State::Stopped).await
}

/// Brings one service back.
pub async fn start(folder: &Folder, service: Service) -> Result<()> {
    ensure_it_is_there(folder, service)?;
    if record::read(folder, service.name())
        .is_some_and(|record| record.state == State::Ready && record.alive().is_some())
    {
        say(format_args!("  {} is running.", service.name()));
        return Ok(());
    }
    fs::remove_file(folder.stop_marker(service.name())).ok();
    wish(folder, service, "Starting", State::Ready).await
}

/// Nothing would ever be said of a service that this cloud was started without.
fn ensure_it_is_there(folder: &Folder, service: Service) -> Result<()> {
    let name = service.name();
    ensure!(service.is_available(), "this cloud has no {name}: the program is not on this machine");
    // Once a supervisor is ready, it has written down what it started.
    let ready = record::supervisor(folder).is_some_and(|(supervisor, _)| supervisor.state == State::Ready);
    ensure!(!ready || record::read(folder, name).is_some(), "this cloud was started without {name}");
    Ok(())
}

/// Brings these services back without waiting for them: for who is being ended by the supervisor meanwhile.
pub fn bring_back(folder: &Folder, services: impl IntoIterator<Item = Service>) {
    for service in services {
        fs::remove_file(folder.stop_marker(service.name())).ok();
    }
    if let Some((_, supervisor)) = record::supervisor(folder) {
        supervisor.signal(Signal::SIGUSR1);
    }
}

/// Tells the supervisor to look at the markers, and waits for what comes of it.
async fn wish(folder: &Folder, service: Service, verb: &str, wanted: State) -> Result<()> {
    let name = service.name();
    let Some((_, supervisor)) = record::supervisor(folder) else {
        bail!("nothing is running: {} up starts it all", folder.dev);
    };
    // Forgotten, so that an old failure is not taken for the answer.
    if let Some(mut record) = record::read(folder, name).filter(|record| record.state == State::Failed) {
        record.state = State::Starting;
        record::write(folder, name, &record)?;
    }
    supervisor.signal(Signal::SIGUSR1);
    let part = Part::new(format!("{verb} {name}"));
    let fulfilled = async {
        loop {
            match record::read(folder, name) {
                Some(record) if record.state == wanted => return Ok(()),
                Some(record) if record.state == State::Failed => bail!("{}", record.note),
                _ if !supervisor.is_alive() => bail!("the supervisor ended in the meantime"),
                record => part.is_at(record.map(|record| record.note).unwrap_or_default()),
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    step(&part, fulfilled).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Identity;
    use crate::record::{Record, SUPERVISOR};

    #[tokio::test]
    async fn a_service_that_a_cloud_was_started_without_is_refused_at_once() -> Result<()> {
        let scratch = tempfile::tempdir()?;
        let folder = Folder::at(scratch.path(), &scratch.path().join("cloud"), "./dev")?;
        record::write(&folder, SUPERVISOR, &Record::new(State::Ready, Some(Identity::own()?), ""))?;
        let refused = stop(&folder, Service::Console).await.expect_err("there is none").to_string();
        assert_eq!(refused, "this cloud was started without console");
        assert!(!folder.stop_marker(Service::Console.name()).exists(), "nothing is asked for");
        assert!(start(&folder, Service::Console).await.is_err());
        Ok(())
    }
}
