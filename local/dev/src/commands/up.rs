//! `up`.

use std::pin::pin;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;

use super::inspect::{all_ready, asked};
use cloud::Cloud;
use cloud::ending::told_to_end;
use cloud::folder::Folder;
use cloud::lifecycle::{down, start};
use cloud::log::{begin_anew, read_from};
use cloud::process::{Identity, Program};
use cloud::progress::{say, tell};
use cloud::record::{self, Record, SUPERVISOR, State};
use cloud::service::Service;
use cloud::supervisor;

/// How often a file that another process writes is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Starts everything: of what runs already, what was stopped.
pub(crate) async fn up(folder: Folder, detach: bool) -> Result<()> {
    if let Some((record, process)) = record::supervisor(&folder) {
        if record.state != State::Ready {
            follow_start(&folder, process, told_to_end()?).await?;
        }
        say(format_args!("  Already running (process {}).", process.pid()));
        let cloud = Cloud::open(folder)?;
        for service in cloud.services() {
            if cloud.folder.stop_marker(service.name()).exists() {
                start(&cloud.folder, service).await?;
            }
        }
        let (table, _) = asked(&cloud).await;
        return welcome(&cloud, &table);
    }
    begin_log(&folder)?;
    if !detach {
        return supervisor::run(Cloud::open(folder)?, |cloud| {
            welcome(cloud, &all_ready(cloud))?;
            say("\n  Ctrl-C stops everything.");
            Ok(())
        })
        .await;
    }
    let cloud = Cloud::open(folder)?;
    let log = cloud.folder.log(SUPERVISOR);
    // Before there is a supervisor: whoever is ended a moment later takes it along.
    let told = told_to_end()?;
    let program = Program::new(&cloud.launcher, ["supervise"]);
    let mut child = program.logged(&cloud.launcher, &log)?.spawn().context("cannot start the supervisor")?;
    let process = Identity::of(child.id()).context("the supervisor ended at once")?;
    // Reaps it should it fail while we wait; afterwards it belongs to init.
    std::thread::spawn(move || child.wait());
    follow_start(&cloud.folder, process, told).await?;
    let cloud = Cloud::open(cloud.folder)?;
    welcome(&cloud, &all_ready(&cloud))
}

/// The supervisor's log holds one run: who comes during a start is shown that start, and none before it. Its lock says
/// that no other is about to begin.
fn begin_log(folder: &Folder) -> Result<()> {
    let _lock = supervisor::take_lock(folder)?;
    begin_anew(&folder.log(SUPERVISOR))
}

/// Shows what a supervisor in the background says, until everything answers. Whoever ends this ends it.
async fn follow_start(
    folder: &Folder,
    process: Identity,
    told: impl Future<Output = &'static str>,
) -> Result<()> {
    let (mut told, mut seen) = (pin!(told), 0);
    loop {
        let alive = process.is_alive();
        seen = read_from(&folder.log(SUPERVISOR), seen, |line| say(line))?;
        match record::read(folder, SUPERVISOR) {
            _ if !alive => bail!("the cloud did not start; the reason is above"),
            Some(Record { state: State::Ready, process: Some(ready), .. }) if ready == process => {
                return Ok(());
            }
            _ => {}
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            why = &mut told => {
                // It may not have left the record yet by which `down` finds it.
                process.signal(Signal::SIGTERM);
                down(folder).await?;
                bail!(why);
            }
        }
    }
}

/// What runs where, and something to try.
fn welcome(cloud: &Cloud, table: &str) -> Result<()> {
    tell(format_args!("\n{table}"));
    let api = cloud.http(Service::Functions)?;
    let env = cloud.folder.env();
    let env = env.strip_prefix(&cloud.folder.root).unwrap_or(&env).display();
    if !cloud.wishes.no_console {
        tell(format_args!("  Watch it: {}\n", cloud.http(Service::Console)?));
    }
    tell(format_args!("  All addresses, keys and tokens are in {env}. Try:\n"));
    tell(format_args!("  curl {api}/api/products/01900000-0000-7000-8000-000000000001"));
    tell(format_args!("  curl '{api}/api/search?q=oak+chair'"));
    tell(format_args!(
        "  curl -H \"Authorization: Bearer $(sed -n s/^CUSTOMER_TOKEN=//p {env})\" {api}/api/orders"
    ));
    Ok(())
}
