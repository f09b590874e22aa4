//! `up`, `down`, `reset`, and `stop` and `start` of one service.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;
use tokio::signal::ctrl_c;

use super::inspect::{print_table, read_from};
use crate::account;
use crate::cloud::Cloud;
use crate::folder::Folder;
use crate::process::{Identity, Program};
use crate::progress::{say, step};
use crate::record::{self, Record, SUPERVISOR, State};
use crate::services::Service;
use crate::supervisor;

/// Longest time that a supervisor takes to end: its patience with each service, and then some.
const DOWN_WITHIN: Duration = Duration::from_secs(90);
/// How often a file that another process writes is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Starts everything.
pub(crate) async fn up(folder: Folder, detach: bool) -> Result<()> {
    if let Some((record, process)) = record::supervisor(&folder) {
        if record.state != State::Ready {
            follow_start(&folder, process, 0).await?;
        }
        say(format_args!("  Already running (process {}).", process.pid()));
        return welcome(&Cloud::open(folder)?);
    }
    if !detach {
        return supervisor::run(Cloud::open(folder)?, |cloud| {
            welcome(cloud)?;
            say("\n  Ctrl-C ends it all.");
            Ok(())
        })
        .await;
    }
    let cloud = Cloud::open(folder)?;
    let log = cloud.folder.log(SUPERVISOR);
    let seen = fs::metadata(&log).map_or(0, |log| log.len());
    let program = Program::new(&cloud.launcher, ["supervise"]);
    let mut child = program.logged(&cloud.launcher, &log)?.spawn().context("cannot start the supervisor")?;
    let process = Identity::of(child.id()).context("the supervisor ended at once")?;
    // Reaps it should it fail while we wait; afterwards it belongs to init.
    std::thread::spawn(move || child.wait());
    follow_start(&cloud.folder, process, seen).await?;
    welcome(&Cloud::open(cloud.folder)?)
}

/// Shows what a supervisor in the background says, until everything answers. Ctrl-C ends it.
async fn follow_start(folder: &Folder, process: Identity, mut seen: u64) -> Result<()> {
    loop {
        let alive = process.is_alive();
        seen = read_from(&folder.log(SUPERVISOR), seen, |line| say(line))?;
        match record::read(folder, SUPERVISOR) {
            _ if !alive => bail!("the cloud did not come up; the reason stands above"),
            Some(Record { state: State::Ready, process: Some(ready), .. }) if ready == process => {
                return Ok(());
            }
            _ => {}
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = ctrl_c() => {
                down(folder).await?;
                bail!("interrupted");
            }
        }
    }
}

/// What runs where, and something to try.
fn welcome(cloud: &Cloud) -> Result<()> {
    println!("\n{}", print_table(cloud));
    let api = cloud.http(Service::Functions)?;
    let env = cloud.folder.env();
    let env = env.strip_prefix(&cloud.folder.root).unwrap_or(&env).display();
    println!("  All addresses, keys and tokens are in {env}. Try:\n");
    println!("  curl {api}/api/products/01900000-0000-7000-8000-000000000001");
    println!("  curl '{api}/api/search?q=oak+chair'");
    println!("  curl -H \"Authorization: Bearer $(sed -n s/^CUSTOMER_TOKEN=//p {env})\" {api}/api/orders");
    Ok(())
}

/// Stops everything.
pub(crate) async fn down(folder: &Folder) -> Result<()> {
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
    for service in Service::all().rev() {
        record::end(folder, service, Duration::from_secs(8)).await?;
    }
    Ok(())
}

/// Stops everything and wipes the data.
pub(crate) async fn reset(folder: &Folder) -> Result<()> {
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
pub(crate) async fn stop(folder: &Folder, service: Service) -> Result<()> {
    let wanted = [State::Stopped];
    fs::write(folder.stop_marker(service.name()), "")?;
    wish(folder, service, "Stopping", &wanted).await
}

/// Brings one service back.
pub(crate) async fn start(folder: &Folder, service: Service) -> Result<()> {
    if record::read(folder, service.name())
        .is_some_and(|record| record.state == State::Ready && record.alive().is_some())
    {
        say(format_args!("  {} is running.", service.name()));
        return Ok(());
    }
    fs::remove_file(folder.stop_marker(service.name())).ok();
    wish(folder, service, "Starting", &[State::Ready]).await
}

/// Tells the supervisor to look at the markers, and waits for what comes of it.
async fn wish(folder: &Folder, service: Service, verb: &str, wanted: &[State]) -> Result<()> {
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
    let fulfilled = async {
        loop {
            match record::read(folder, name) {
                Some(record) if wanted.contains(&record.state) => return Ok(()),
                Some(record) if record.state == State::Failed => bail!("{}", record.note),
                _ if !supervisor.is_alive() => bail!("the supervisor has ended meanwhile"),
                _ => tokio::time::sleep(LOOK).await,
            }
        }
    };
    step(format_args!("{verb} {name}"), fulfilled).await
}
