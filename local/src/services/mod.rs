//! The services of the local cloud: what each needs, how it is started, and how to ask whether it answers.

mod functions;
mod payments;
mod pgbouncer;
mod postgres;
mod redis;
mod sqs;

use std::path::PathBuf;
use std::time::Duration;

pub(crate) use functions::build_for_release;

use anyhow::Result;
use clap::ValueEnum;

use crate::cloud::Cloud;
use crate::process::Program;

/// One service: a program of its own, in a session of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum)]
pub(crate) enum Service {
    Postgres,
    Pgbouncer,
    Redis,
    Sqs,
    Payments,
    Functions,
    Dispatcher,
}

impl Service {
    /// All services, in the order they are started; they end in the opposite one.
    pub(crate) fn all() -> impl DoubleEndedIterator<Item = Self> + Clone {
        Self::value_variants().iter().copied()
    }

    /// The name on the command line, of the log, and in the table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Pgbouncer => "pgbouncer",
            Self::Redis => "redis",
            Self::Sqs => "sqs",
            Self::Payments => "payments",
            Self::Functions => "functions",
            Self::Dispatcher => "dispatcher",
        }
    }

    /// What it is, for the table.
    pub(crate) fn role(self) -> &'static str {
        match self {
            Self::Postgres => "database, fsync off",
            Self::Pgbouncer => "transaction pooling, 5 server connections",
            Self::Redis => "cache, rate limits, breaker; keeps nothing",
            Self::Sqs => "queues; keeps nothing",
            Self::Payments => "payment provider",
            Self::Functions if functions::profile().is_some() => "a finished build",
            Self::Functions => "cargo lambda watch",
            Self::Dispatcher => "polls the queues, fires the schedules",
        }
    }

    /// Whether it has a port.
    pub(crate) fn listens(self) -> bool {
        self != Self::Dispatcher
    }

    /// Whether this machine can run it. All but `PgBouncer` can be had without a package manager.
    pub(crate) fn is_available(self) -> bool {
        match self {
            Self::Pgbouncer => on_path("pgbouncer").is_some(),
            _ => true,
        }
    }

    /// Makes the files it needs before it starts.
    pub(crate) async fn prepare(self, cloud: &Cloud) -> Result<()> {
        match self {
            Self::Postgres => postgres::prepare(cloud).await,
            Self::Pgbouncer => pgbouncer::prepare(cloud),
            Self::Functions => functions::prepare(cloud).await,
            _ => Ok(()),
        }
    }

    /// How it is started.
    pub(crate) fn program(self, cloud: &Cloud) -> Result<Program> {
        match self {
            Self::Postgres => postgres::program(cloud),
            Self::Pgbouncer => pgbouncer::program(cloud),
            Self::Redis => redis::program(cloud),
            Self::Sqs => sqs::program(cloud),
            Self::Payments => payments::program(cloud),
            Self::Functions => functions::program(cloud),
            Self::Dispatcher => Ok(Program::new(&cloud.launcher, ["dispatch"])),
        }
    }

    /// Asks whether it answers.
    pub(crate) async fn ask(self, cloud: &Cloud) -> Result<()> {
        match self {
            Self::Postgres => postgres::ask(cloud).await,
            Self::Pgbouncer => pgbouncer::ask(cloud).await,
            Self::Redis => redis::ask(cloud).await,
            Self::Sqs => sqs::ask(cloud).await,
            Self::Payments => payments::ask(cloud).await,
            Self::Functions => answers(&cloud.http(self)?).await,
            Self::Dispatcher => Ok(()),
        }
    }

    /// Fills it, once it answers: schema, demo data, queues.
    pub(crate) async fn furnish(self, cloud: &Cloud) -> Result<()> {
        match self {
            Self::Postgres => postgres::furnish(cloud).await,
            Self::Sqs => sqs::furnish(cloud).await,
            _ => Ok(()),
        }
    }
}

/// The database with its tables and roles, and nothing in them.
pub(crate) async fn make_schema(cloud: &Cloud) -> Result<()> {
    postgres::make_schema(cloud).await
}

/// Where a program is, if it is on the PATH.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Any HTTP answer is a sign of life.
async fn answers(url: &str) -> Result<()> {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(2)).build()?;
    client.get(url).send().await?;
    Ok(())
}
