//! The cloud's own two processes: one serves the functions, the other invokes them from queues and
//! schedules.

use std::env;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

use crate::cloud::Cloud;
use crate::key_value;
use crate::log::open_log;
use crate::progress::say;
use crate::service::Service;
use lambda::gateway;
use lambda::runtime_api::{Fleet, FunctionSettings, Settings};
use lambda::sources::{Invoker, Polled, Poller, fire, interval};
use lambda::template::Function;

/// Environments of each function, at most. They are cheap here: each starts in milliseconds, and only when needed.
const SERVED: usize = 10;

/// Serves the functions of a finished build (`debug`, `release`), or those that are built while the cloud runs, until
/// SIGTERM.
pub async fn serve(cloud: &Cloud, profile: Option<&str>) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let settings = profile.map_or_else(|| built_meanwhile(cloud), |profile| settings(cloud, profile))?;
    let fleet = Arc::new(Fleet::start(settings).await?);
    tokio::select! {
        opened = open(cloud, Arc::clone(&fleet)) => opened?,
        _ = terminate.recv() => {}
    }
    // A connection that is just being closed may still hold the fleet; its environments end with this process.
    match Arc::try_unwrap(fleet) {
        Ok(fleet) => fleet.end().await,
        Err(_) => Ok(()),
    }
}

/// Opens both doors of a fleet on the port of a cloud's functions, for as long as it is waited for.
pub async fn open(cloud: &Cloud, fleet: Arc<Fleet>) -> Result<()> {
    let port = cloud.port(Service::Functions)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.context("the port is taken")?;
    gateway::open(&listener, fleet, &cloud.template.functions, |line| say(line)).await;
    Ok(())
}

/// Polls and fires until SIGTERM. Its own log (`./dev logs dispatcher`) tells what was invoked and what came of it.
pub async fn dispatch(cloud: &Cloud) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let sqs = cloud.sqs()?;
    let invoker = Invoker::new(cloud.http(Service::Functions)?)?;
    let mut work = JoinSet::new();
    for queue in queues(cloud)? {
        say(format_args!(
            "{} → {} (batches of {})",
            queue.name, queue.source.function, queue.source.batch_size
        ));
        for _ in 0..queue.source.concurrency {
            work.spawn(Poller::new(sqs.clone(), invoker.clone(), queue.clone(), |line| say(line)).run());
        }
    }
    for schedule in cloud.template.schedules.iter().filter(|schedule| cloud.folder.has(&schedule.function)) {
        let (expression, function) = (&schedule.expression, &schedule.function);
        match interval(expression) {
            Some(interval) => {
                say(format_args!("{expression} → {function}"));
                work.spawn(fire(invoker.clone(), schedule.clone(), interval, |line| say(line)));
            }
            None => say(format_args!(
                "{expression} → {function}: only rate(…) fires locally; by hand: {} invoke {function}",
                cloud.folder.dev
            )),
        }
    }
    terminate.recv().await;
    Ok(())
}

/// The queues that functions of this cloud are fed from.
pub fn queues(cloud: &Cloud) -> Result<Vec<Polled>> {
    let sources = cloud.template.sources.iter().filter(|source| cloud.folder.has(&source.function));
    let polled = sources.filter_map(|source| {
        let name = cloud.template.queue(&source.queue)?.name.clone();
        Some(cloud.queue_url(&name).map(|url| Polled { name, url, source: source.clone() }))
    });
    polled.collect()
}

/// The functions of a cloud, from a build of them: `debug` or `release`.
pub fn settings(cloud: &Cloud, profile: &str) -> Result<Settings> {
    let binaries = cloud.folder.binaries(profile);
    // The template also names functions that are not written yet.
    let built = cloud.template.functions.iter().filter(|function| binaries.join(&function.name).is_file());
    of_folder(cloud, &binaries, built)
}

/// The functions of a cloud that builds them while it runs: some may not be there yet, and each may be replaced. What
/// somebody has exported is theirs too, such as `RUST_LOG`.
fn built_meanwhile(cloud: &Cloud) -> Result<Settings> {
    let folder = cloud.folder.functions();
    let mut settings = of_folder(cloud, &folder, cloud.written_functions())?;
    for (name, function) in &mut settings.functions {
        function.program = Some(folder.join(name));
    }
    let exported = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    settings.environment = exported.chain(settings.environment).collect();
    Ok(settings)
}

fn of_folder<'a>(
    cloud: &Cloud,
    folder: &Path,
    functions: impl Iterator<Item = &'a Function>,
) -> Result<Settings> {
    let functions = functions.map(|function| {
        let settings = FunctionSettings {
            command: vec![folder.join(&function.name).display().to_string()],
            program: None,
            time_limit: function.time_limit,
            memory_mb: function.memory_mb,
            environments: cloud.wishes.environments.unwrap_or(SERVED),
            at_a_time: cloud.wishes.at_a_time,
            log: open_log(&cloud.folder.log(Service::Functions.name()))?,
        };
        Ok((function.name.clone(), settings))
    });
    Ok(Settings {
        functions: functions.collect::<Result<_>>()?,
        environment: key_value::read(&cloud.folder.env())?.into_iter().collect(),
    })
}
