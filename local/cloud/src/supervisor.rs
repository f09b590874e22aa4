//! Starts the services, watches over them, and ends them all when it ends itself.
//!
//! Other commands talk to it through files and signals, so that nothing is lost when either side is killed:
//! `./dev stop` leaves a marker and sends SIGUSR1, and the supervisor compares what is marked with what runs.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::pin::pin;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::builds::Builds;
use crate::cloud::Cloud;
use crate::ending::told_to_end;
use crate::environment;
use crate::folder::Folder;
use crate::launch;
use crate::log::begin_anew;
use crate::process::Identity;
use crate::progress::{Part, say, step};
use crate::record::{self, PATIENCE, Record, SUPERVISOR, State};
use crate::service::Service;
use crate::services;

/// What starts up while Postgres does.
const WAITS_FOR_NOTHING: [Service; 4] = [Service::Redis, Service::Sqs, Service::Payments, Service::Console];

/// Runs the cloud until a signal ends it. `when_ready` is told once everything answers.
pub async fn run(mut cloud: Cloud, when_ready: impl FnOnce(&Cloud) -> Result<()>) -> Result<()> {
    let _lock = take_lock(&cloud.folder)?;
    // What an earlier one left behind when it was killed.
    record::end_left_over(&cloud.folder).await?;
    forget_markers(&cloud);
    cloud.choose_ports()?;
    record::write(&cloud.folder, SUPERVISOR, &Record::new(State::Starting, Some(Identity::own()?), ""))?;
    environment::write(&cloud)?;
    let mut supervisor = Supervisor::new(cloud)?;
    let outcome = supervisor.lead(when_ready).await;
    let note = outcome.as_ref().err().map(|error| format!("{error:#}")).unwrap_or_default();
    let ended = supervisor.end_all().await;
    let state = if outcome.is_ok() { State::Stopped } else { State::Failed };
    record::write(&supervisor.cloud.folder, SUPERVISOR, &Record::new(state, None, &note))?;
    outcome.and(ended)
}

/// Only one supervisor may work in a folder.
pub fn take_lock(folder: &Folder) -> Result<File> {
    let lock = File::create(folder.lock()).context("cannot create the lock file")?;
    if lock.try_lock().is_err() {
        bail!("this cloud is already running: {0} status, or {0} down", folder.dev);
    }
    Ok(lock)
}

fn forget_markers(cloud: &Cloud) {
    Service::all().for_each(|service| drop(fs::remove_file(cloud.folder.stop_marker(service.name()))));
}

/// A service's process ended.
struct Exit {
    service: Service,
    process: Identity,
    status: std::io::Result<ExitStatus>,
}

struct Supervisor {
    cloud: Cloud,
    /// Where the functions are built while the cloud runs.
    builds: Option<Builds>,
    running: BTreeMap<Service, Identity>,
    exits: mpsc::UnboundedReceiver<Exit>,
    report_exit: mpsc::UnboundedSender<Exit>,
}

impl Supervisor {
    fn new(cloud: Cloud) -> Result<Self> {
        for service in Service::all() {
            begin_anew(&cloud.folder.log(service.name()))?;
        }
        let (report_exit, exits) = mpsc::unbounded_channel();
        Ok(Self { cloud, builds: None, running: BTreeMap::new(), exits, report_exit })
    }

    /// Starts everything and stays until told to go.
    async fn lead(&mut self, when_ready: impl FnOnce(&Cloud) -> Result<()>) -> Result<()> {
        let mut wishes = signal(SignalKind::user_defined1())?;
        let mut told = pin!(told_to_end()?);
        tokio::select! {
            started = self.start_all() => started?,
            _ = &mut told => return Ok(()),
        }
        record::write(
            &self.cloud.folder,
            SUPERVISOR,
            &Record::new(State::Ready, Some(Identity::own()?), ""),
        )?;
        when_ready(&self.cloud)?;
        loop {
            tokio::select! {
                _ = &mut told => return Ok(()),
                // A wish may have to wait for a build, and whoever wants to go does not wait for that.
                _ = wishes.recv() => tokio::select! {
                    () = self.fulfil_wishes() => {}
                    _ = &mut told => return Ok(()),
                },
                Some(exit) = self.exits.recv() => self.note_exit(&exit),
            }
        }
    }

    async fn start_all(&mut self) -> Result<()> {
        if self.cloud.wishes.profile.is_none() {
            // While the servers start.
            self.builds = Some(Builds::start(&self.cloud));
        }
        for service in self.cloud.services().filter(|service| WAITS_FOR_NOTHING.contains(service)) {
            self.spawn(service)?;
        }
        for service in self.cloud.services() {
            self.start(service).await?;
        }
        Ok(())
    }

    /// Whatever comes of it is noted: somebody may be waiting to read it.
    async fn start(&mut self, service: Service) -> Result<()> {
        let outcome = self.bring_up(service).await;
        match &outcome {
            Ok(()) => note(&self.cloud, service, State::Ready, self.running.get(&service).copied(), ""),
            Err(error) => {
                // Half a service would be taken for one that runs.
                self.end(service).await.ok();
                let stopped = self.cloud.folder.stop_marker(service.name()).exists();
                let state = if stopped { State::Stopped } else { State::Failed };
                note(&self.cloud, service, state, None, &format!("{error:#}"));
            }
        }
        outcome
    }

    async fn bring_up(&mut self, service: Service) -> Result<()> {
        services::prepare(service, &self.cloud).await?;
        step(format!("Starting {}", service.name()), self.until_it_answers(service)).await?;
        services::furnish(service, &self.cloud).await?;
        match &mut self.builds {
            Some(builds) if service == Service::Functions => {
                let process = self.running.get(&service).copied();
                let tell =
                    |part: &Part| note(&self.cloud, service, State::Starting, process, &part.to_string());
                let part = builds.part();
                let stopped = self.cloud.folder.stop_marker(service.name());
                step(&*part, until_built(builds, || tell(&part), || stopped.exists())).await
            }
            _ => Ok(()),
        }
    }

    fn spawn(&mut self, service: Service) -> Result<Identity> {
        let (process, mut child) = launch::spawn(&self.cloud, service)?;
        let report_exit = self.report_exit.clone();
        tokio::spawn(async move {
            let status = child.wait().await;
            report_exit.send(Exit { service, process, status }).ok();
        });
        self.running.insert(service, process);
        note(&self.cloud, service, State::Starting, Some(process), "");
        Ok(process)
    }

    /// Waits until a service answers, or until it has ended instead.
    async fn until_it_answers(&mut self, service: Service) -> Result<()> {
        let process = match self.running.get(&service) {
            Some(process) => *process,
            None => self.spawn(service)?,
        };
        let outcome = launch::until_it_answers(&self.cloud, service, process).await;
        if !process.is_alive() {
            self.running.remove(&service);
        }
        outcome
    }

    /// Brings what runs into line with what is marked.
    async fn fulfil_wishes(&mut self) {
        for service in self.cloud.services() {
            let stop = self.cloud.folder.stop_marker(service.name()).exists();
            let alive = self.running.get(&service).is_some_and(|process| process.is_alive());
            let outcome = match (stop, alive) {
                (true, true) => self.end(service).await,
                (false, false) => self.start(service).await,
                (true, false) => {
                    note(&self.cloud, service, State::Stopped, None, "");
                    Ok(())
                }
                (false, true) => Ok(()),
            };
            if let Err(error) = outcome {
                say(format_args!("  {}: {error:#}", service.name()));
            }
        }
    }

    /// Says that a service has gone without being asked to. It is not started again: a local cloud that hides crashes
    /// would hide what one wants to see.
    fn note_exit(&mut self, exit: &Exit) {
        if self.running.get(&exit.service) != Some(&exit.process) {
            return;
        }
        self.running.remove(&exit.service);
        let how = exit.status.as_ref().map_or_else(ToString::to_string, ToString::to_string);
        let (name, dev) = (exit.service.name(), &self.cloud.folder.dev);
        say(format_args!("  {name} has died ({how}). {dev} logs {name}; {dev} start {name}"));
        note(&self.cloud, exit.service, State::Failed, None, &format!("died: {how}"));
    }

    async fn end(&mut self, service: Service) -> Result<()> {
        let Some(process) = self.running.remove(&service) else { return Ok(()) };
        let by_force = process.end(service.stop_signal(), PATIENCE).await;
        if by_force.with_context(|| format!("{} does not end", service.name()))? {
            say(format_args!("  {} did not end by itself and was killed", service.name()));
        }
        note(&self.cloud, service, State::Stopped, None, "");
        Ok(())
    }

    /// Ends all services, the last started first. A second Ctrl-C changes nothing: each is killed after its patience.
    async fn end_all(&mut self) -> Result<()> {
        if self.running.is_empty() {
            return Ok(());
        }
        say("");
        step("Stopping everything", async {
            let mut outcome = Ok(());
            for service in Service::all().rev() {
                outcome = outcome.and(self.end(service).await);
            }
            outcome
        })
        .await
    }
}

/// Waits until the functions are built, or not wanted any more.
async fn until_built(builds: &mut Builds, tell: impl Fn(), stopped: impl Fn() -> bool) -> Result<()> {
    loop {
        tokio::select! {
            built = builds.over() => return built,
            () = tokio::time::sleep(Duration::from_secs(1)) => tell(),
        }
        ensure!(!stopped(), "stopped before they were built");
    }
}

fn note(cloud: &Cloud, service: Service, state: State, process: Option<Identity>, note: &str) {
    let record = Record::new(state, process, note);
    if let Err(error) = record::write(&cloud.folder, service.name(), &record) {
        say(format_args!("  {error:#}"));
    }
}
