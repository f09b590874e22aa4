//! One multiplexed connection, thrown away at the first doubt.
//!
//! The crate's own `ConnectionManager` was measured and left out: with nothing listening each command took 9.4 s, a
//! connection that died silently in a frozen environment timed out again and again without ever being replaced, and
//! a refused password was remembered for ever. Here a connection that timed out, broke, or saw an error that says
//! "wrong server" is marked dead, and the next batch makes a fresh one. Nothing is retried: a request that was sent
//! may have been carried out.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use redis::{Cmd, RedisError, RedisResult, Value};
use tokio::sync::Mutex;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::link::{Link, Server};
use super::script::{Call, Replies};
use super::{InvalidSettings, Settings};
use crate::telemetry::{self, Counter};

/// Errors that mean this server as a whole is of no use now: after a failover the old primary answers `READONLY`
/// for ever, and only a new connection finds the new one.
const WRONG_SERVER: [&str; 6] = ["READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "NOAUTH", "WRONGPASS"];

/// Why a batch got no answer.
#[derive(Debug)]
pub(super) enum Failure {
    TimedOut,
    Failed(RedisError),
    WrongServer(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => write!(f, "no answer in time"),
            Self::Failed(error) => write!(f, "{error}"),
            Self::WrongServer(code) => write!(f, "the server answers {code}"),
        }
    }
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        Self::Failed(error)
    }
}

pub(super) struct Connections {
    server: Server,
    settings: Settings,
    current: Mutex<Option<Current>>,
}

#[derive(Clone)]
struct Current {
    link: Link,
    dead: Arc<AtomicBool>,
    /// Wall clock: monotonic clocks may stand still while an environment is frozen.
    last_used: SystemTime,
}

impl Connections {
    pub(super) fn new(settings: Settings) -> Result<Self, InvalidSettings> {
        Ok(Self { server: Server::new(&settings)?, settings, current: Mutex::new(None) })
    }

    /// Sends the calls together. Those that surely were not carried out go once more, alone: with its body where Redis
    /// does not know the script, to the right node where a cluster has moved the key.
    pub(super) async fn exchange(&self, calls: &[Call]) -> Result<Replies, Failure> {
        let current = self.current().await?;
        // Dead until proven alive: a future that is dropped at a time limit leaves the connection in doubt.
        let doubt = Doubt(&current.dead);
        let mut replies = self.send(&current, calls.iter().map(Call::by_sha).collect()).await?;
        let (indices, again): (Vec<usize>, Vec<Cmd>) = calls
            .iter()
            .enumerate()
            // With the body in both cases: the node that has the key now may not know the script either.
            .filter(|(i, _)| matches!(code(&replies[*i]), Some("NOSCRIPT" | "MOVED")))
            .map(|(i, call)| (i, call.by_body()))
            .unzip();
        if !again.is_empty() {
            for (i, reply) in indices.into_iter().zip(self.send(&current, again).await?) {
                replies[i] = reply;
            }
        }
        if let Some(code) = replies.iter().filter_map(code).find(|code| WRONG_SERVER.contains(code)) {
            return Err(Failure::WrongServer(code.to_owned()));
        }
        doubt.dispelled();
        Ok(Replies::new(calls.iter().map(Call::name).zip(replies).collect()))
    }

    async fn send(&self, current: &Current, commands: Vec<Cmd>) -> Result<Vec<RedisResult<Value>>, Failure> {
        telemetry::count(Counter::RedisRoundTrips);
        let replies = timeout(self.settings.response_limit, current.link.send(commands)).await;
        Ok(replies.map_err(|_| Failure::TimedOut)??)
    }

    /// The open connection, or a fresh one. Callers that come meanwhile wait for the same one.
    async fn current(&self) -> RedisResult<Current> {
        let mut slot = self.current.lock().await;
        // Two turns of the event loop let the connection's own task see a close that came while nobody looked, as
        // after a frozen environment thaws; without them the first batch goes into the closed socket.
        yield_now().await;
        yield_now().await;
        let now = SystemTime::now();
        if let Some(current) = slot.as_mut().filter(|current| self.is_usable(current, now)) {
            current.last_used = now;
            return Ok(current.clone());
        }
        *slot = None;
        let dead = Arc::new(AtomicBool::new(false));
        // Boxed: it is rare and large, and a request's future is moved whole.
        let link = Box::pin(self.server.connect(dead.clone())).await?;
        telemetry::count(Counter::RedisConnected);
        Ok(slot.insert(Current { link, dead, last_used: now }).clone())
    }

    fn is_usable(&self, current: &Current, now: SystemTime) -> bool {
        let idle = now.duration_since(current.last_used);
        // A clock that went back tells nothing about idleness; a new connection costs less than a dead one.
        !current.dead.load(Ordering::Relaxed) && idle.is_ok_and(|idle| idle <= self.settings.idle_limit)
    }
}

/// Marks a connection dead unless the exchange came to a good end.
struct Doubt<'a>(&'a AtomicBool);

impl Doubt<'_> {
    fn dispelled(self) {
        std::mem::forget(self);
    }
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn code(reply: &RedisResult<Value>) -> Option<&str> {
    reply.as_ref().err()?.code()
}
