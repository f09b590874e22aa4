//! The services of the local cloud, by name.

use std::path::PathBuf;

use clap::ValueEnum;
use nix::sys::signal::Signal;

/// One service: a program of its own, in a session of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum)]
pub enum Service {
    /// The database.
    Postgres,
    /// The pooler before it.
    Pgbouncer,
    /// Redis, or Valkey.
    Redis,
    /// The queues.
    Sqs,
    /// The payment provider.
    Payments,
    /// The functions and their doors.
    Functions,
    /// What invokes them from queues and schedules.
    Dispatcher,
    /// The page on which all of this can be watched.
    Console,
}

impl Service {
    /// All services, in the order they are started; they end in the opposite one.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> + Clone {
        Self::value_variants().iter().copied()
    }

    /// The name on the command line, of the log, and in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Pgbouncer => "pgbouncer",
            Self::Redis => "redis",
            Self::Sqs => "sqs",
            Self::Payments => "payments",
            Self::Functions => "functions",
            Self::Dispatcher => "dispatcher",
            Self::Console => "console",
        }
    }

    /// Whether it has a port.
    pub fn listens(self) -> bool {
        self != Self::Dispatcher
    }

    /// Whether this machine can run it. All but `PgBouncer` can be had without a package manager.
    pub fn is_available(self) -> bool {
        match self {
            Self::Pgbouncer => on_path("pgbouncer").is_some(),
            _ => true,
        }
    }

    /// What tells it to finish.
    pub fn stop_signal(self) -> Signal {
        match self {
            // SIGTERM would have Postgres wait for every client to leave. PgBouncer leaves at once on it, or from 1.23
            // on waits for clients to disconnect, which a function's pool never does; on SIGINT it lets queries finish.
            Self::Postgres | Self::Pgbouncer => Signal::SIGINT,
            _ => Signal::SIGTERM,
        }
    }
}

/// Where a program is, if it is on the PATH.
pub fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}
