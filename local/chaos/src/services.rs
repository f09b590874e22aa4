//! The servers of a run: started like those of `./dev up`, and killed, paused and brought back like nowhere else.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use tokio::sync::Mutex;
use tokio::time::sleep;

use super::lines::Lines;
use super::relay::Relay;
use cloud::Cloud;
use cloud::launch;
use cloud::process::Identity;
use cloud::record::{self, Record, State};
use cloud::service::Service;
use cloud::services;

/// A server that does not end within this time is killed.
const PATIENCE: Duration = Duration::from_secs(5);

/// The servers, in the order in which they are started.
pub(super) const SERVICES: [Service; 5] =
    [Service::Postgres, Service::Pgbouncer, Service::Redis, Service::Sqs, Service::Payments];

/// The running servers. One fault at a time has hold of each.
pub(super) struct Services {
    cloud: Cloud,
    running: BTreeMap<Service, Mutex<Option<Identity>>>,
    lines: Lines,
}

impl Services {
    /// Starts none yet; the lines to them are open.
    pub(super) async fn new(cloud: Cloud) -> Result<Self> {
        let lines = Lines::open(&cloud).await?;
        let running = SERVICES.into_iter().map(|service| (service, Mutex::default())).collect();
        Ok(Self { cloud, running, lines })
    }

    /// The cloud whose servers these are.
    pub(super) fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    /// Starts all of them with their schema and queues.
    pub(super) async fn start(&self) -> Result<()> {
        for service in SERVICES {
            Box::pin(services::prepare(service, &self.cloud)).await?;
            let mut running = self.of(service).lock().await;
            self.launch(service, &mut running).await?;
            match service {
                Service::Postgres => Box::pin(services::make_schema(&self.cloud)).await?,
                _ => Box::pin(services::furnish(service, &self.cloud)).await?,
            }
        }
        Ok(())
    }

    /// Kills a server, and brings it back after `absence`. What it kept in memory is lost.
    pub(super) async fn kill(&self, service: Service, absence: Duration) -> Result<()> {
        let mut running = self.of(service).lock().await;
        let brought_back = self.unreachable(service, async {
            if let Some(process) = running.take() {
                process.end(Signal::SIGKILL, Duration::ZERO).await?;
            }
            sleep(absence).await;
            self.launch(service, &mut running).await
        });
        brought_back.await?;
        if service == Service::Sqs { Box::pin(services::furnish(service, &self.cloud)).await } else { Ok(()) }
    }

    /// Stops a server's processes in the middle of whatever they do, and lets them go on after `pause`.
    pub(super) async fn pause(&self, service: Service, pause: Duration) -> Result<()> {
        let running = self.of(service).lock().await;
        let process = running.with_context(|| format!("{} does not run", service.name()))?;
        process.signal_family(Signal::SIGSTOP);
        sleep(pause).await;
        process.signal_family(Signal::SIGCONT);
        Ok(())
    }

    /// The relay before a server.
    pub(super) fn line(&self, service: Service) -> Result<&Relay> {
        self.lines.before(service).with_context(|| format!("{} has no line", service.name()))
    }

    /// A server's address for the functions.
    pub(super) fn by_way_of_line(&self, address: &str) -> String {
        self.lines.by_way_of(address)
    }

    /// Nobody listens where a server's door was, as long as something lasts.
    pub(super) async fn unreachable<T>(&self, service: Service, meanwhile: impl Future<Output = T>) -> T {
        let shut = |shut| {
            if let Some(line) = self.lines.before(service) {
                line.shut(shut);
            }
        };
        shut(true);
        let done = meanwhile.await;
        shut(false);
        done
    }

    /// Ends all of them.
    pub(super) async fn end(&self) -> Result<()> {
        let mut outcome = Ok(());
        for service in SERVICES.into_iter().rev() {
            if let Some(process) = self.of(service).lock().await.take() {
                outcome = outcome.and(process.end(service.stop_signal(), PATIENCE).await.map(drop));
                record::write(&self.cloud.folder, service.name(), &Record::new(State::Stopped, None, ""))?;
            }
        }
        outcome
    }

    fn of(&self, service: Service) -> &Mutex<Option<Identity>> {
        &self.running[&service]
    }

    /// `running` has it from its first moment: a run that is told to end meanwhile ends it too.
    async fn launch(&self, service: Service, running: &mut Option<Identity>) -> Result<()> {
        let folder = &self.cloud.folder;
        // Should this run be killed, `down` and the next run find the server by its record.
        let (process, mut child) = launch::spawn(&self.cloud, service)?;
        *running = Some(process);
        tokio::spawn(async move { child.wait().await });
        record::write(folder, service.name(), &Record::new(State::Starting, Some(process), ""))?;
        launch::until_it_answers(&self.cloud, service, process).await?;
        record::write(folder, service.name(), &Record::new(State::Ready, Some(process), ""))
    }
}
