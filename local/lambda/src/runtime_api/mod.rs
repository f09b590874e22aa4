//! Lambda's Runtime API: runs environments (processes) of the functions' binaries, and gives each one invocation at a
//! time, as the service does on AWS, or several, as it does on Managed Instances.
//!
//! It compiles nothing and waits for nobody who does: payloads pass through as bytes, deadlines are real, time-outs
//! kill, and a dead environment fails its invocation and is replaced. Where somebody builds the functions meanwhile,
//! the next invocation goes to the new build, and what is under way ends in the old one.
//!
//! ```no_run
//! # use lambda::runtime_api::{Fleet, Settings};
//! # async fn example(settings: Settings, event: bytes::Bytes) -> anyhow::Result<()> {
//! let fleet = Fleet::start(settings).await?;
//! let answer = fleet.invoke("get-product", event).await?;
//! # Ok(())
//! # }
//! ```
//!
//! | module | holds |
//! |---|---|
//! | `settings` | what runs, and within which limits |
//! | `function`, `invocation` | the queue of a function's invocations, and who takes them; one of them, and its end |
//! | `version` | which build of a function's program there is |
//! | `environment`, `environments` | one process and what it is doing; all of them |
//! | `server` | the paths that a runtime calls |
//! | `guard` | ends every process when this one ends, however it ends |
//!
//! The protocol: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

mod environment;
mod environments;
mod function;
mod guard;
mod invocation;
mod server;
mod settings;
mod version;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::{Context, Result};
use bytes::Bytes;
use nix::sys::signal::Signal;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

pub use environment::Snapshot;
pub use function::MOST_BYTES;
pub use invocation::{Answer, InvokeError};
pub use settings::{FunctionSettings, Settings};

use environments::Environments;
use function::Function;
use guard::Guard;

/// Functions and their environments. Dropping it kills them all.
pub struct Fleet {
    of: server::Fleet,
    server: AbortHandle,
    guard: Guard,
}

impl Fleet {
    /// Opens the Runtime API on a port of its own. No environment is started before it is needed.
    pub async fn start(settings: Settings) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no port is free")?;
        let address = format!("http://{}", listener.local_addr()?);
        let guard = Guard::start()?;
        let environments = Arc::new(Environments::default());
        let mut functions = BTreeMap::new();
        for (name, function) in settings.functions {
            let place = function::Place {
                address: address.clone(),
                group: guard.group(),
                environments: Arc::clone(&environments),
            };
            let function = Function::new(name.clone(), function, &settings.environment, place);
            functions.insert(name, function);
        }
        let of = server::Fleet { functions: Arc::new(functions), environments };
        let server = tokio::spawn(server::serve(listener, of.clone())).abort_handle();
        Ok(Self { of, server, guard })
    }

    /// Invokes a function and waits for what becomes of it. Waits for an environment where all are busy; dropping the
    /// future takes an invocation back that no environment has begun.
    pub async fn invoke(&self, function: &str, event: Bytes) -> Result<Answer, InvokeError> {
        let Some(function) = self.of.functions.get(function) else {
            return Err(InvokeError::Unknown(function.to_owned()));
        };
        function.invoke(event).await
    }

    /// All environments as they are now, the oldest first.
    pub fn environments(&self) -> Vec<Snapshot> {
        self.of.environments.snapshots()
    }

    /// Sends a signal to an environment: SIGKILL and SIGSTOP are what chaos is made of. Tells whether there was one.
    pub fn signal(&self, environment: u64, signal: Signal) -> bool {
        self.of.environments.get(environment).is_some_and(|environment| environment.signal(signal))
    }

    /// Kills all environments and waits until they are gone. Invocations under way fail.
    pub async fn end(mut self) -> Result<()> {
        for function in self.of.functions.values() {
            function.close();
        }
        for environment in self.environments() {
            self.signal(environment.id, Signal::SIGKILL);
        }
        self.of.environments.until_empty().await;
        self.guard.end().await
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.server.abort();
        for function in self.of.functions.values() {
            function.close();
        }
    }
}

#[cfg(test)]
mod tests;
