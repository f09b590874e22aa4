//! `up`.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::signal::ctrl_c;

use super::inspect::print_table;
use cloud::Cloud;
use cloud::folder::Folder;
use cloud::lifecycle::down;
use cloud::log::read_from;
use cloud::process::{Identity, Program};
use cloud::progress::say;
use cloud::record::{self, Record, SUPERVISOR, State};
use cloud::service::Service;
use cloud::supervisor;

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
    if !cloud.wishes.no_console {
        println!("  Watch it: {}\n", cloud.http(Service::Console)?);
    }
    println!("  All addresses, keys and tokens are in {env}. Try:\n");
    println!("  curl {api}/api/products/01900000-0000-7000-8000-000000000001");
    println!("  curl '{api}/api/search?q=oak+chair'");
    println!("  curl -H \"Authorization: Bearer $(sed -n s/^CUSTOMER_TOKEN=//p {env})\" {api}/api/orders");
    Ok(())
}
