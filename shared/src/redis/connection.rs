//! The open connections, each thrown away at the first doubt.
//!
//! The crate's own `ConnectionManager` was measured and left out: with nothing listening each command took 9.4 s, a
//! connection that died silently in a frozen environment timed out again and again without ever being replaced, and
//! a refused password was remembered for ever. Here a connection is lent to one batch, and comes back only if that came
//! to a good end: one that timed out, broke, or saw an error that says "wrong server" is closed, and the next batch
//! opens a fresh one. Nothing is retried: a request that was sent may have been carried out.
//!
//! So there are as many as batches were ever under way together: one on ordinary Lambda.

use std::fmt;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use redis::{Cmd, RedisError, RedisResult, Value};
use tokio::time::timeout;

use super::link::{Link, Server};
use super::script::{Call, Replies};
use super::{InvalidSettings, Settings};
use crate::alarm::Alarm;
use crate::telemetry::{self, Counter};

/// Errors that mean this server as a whole is of no use now: after a failover the old primary answers `READONLY`
/// for ever, and only a new connection finds the new one. One that takes no writes (`MISCONF`, `NOREPLICAS`) takes no
/// invalidations either, so nothing that it holds may be served.
const WRONG_SERVER: [&str; 8] =
    ["READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "NOAUTH", "WRONGPASS", "MISCONF", "NOREPLICAS"];

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
    idle: Mutex<Vec<Connection>>,
}

struct Connection {
    link: Link,
    alarm: Alarm,
    /// Wall clock: monotonic clocks may stand still while an environment is frozen.
    last_used: SystemTime,
}

impl Connections {
    pub(super) fn new(settings: Settings) -> Result<Self, InvalidSettings> {
        Ok(Self { server: Server::new(&settings)?, settings, idle: Mutex::default() })
    }

    /// Sends the calls together. Those whose script Redis does not know were surely not carried out, and go once more,
    /// with its body.
    pub(super) async fn exchange(&self, calls: &[Call]) -> Result<Replies, Failure> {
        let deadline = Instant::now() + self.settings.batch_limit;
        let mut connection = self.connection().await?;
        let limit = || deadline.saturating_duration_since(Instant::now()).min(self.settings.response_limit);
        let mut replies = connection.send(calls.iter().map(Call::by_sha).collect(), limit()).await?;
        let (indices, again): (Vec<usize>, Vec<Cmd>) = calls
            .iter()
            .enumerate()
            .filter(|(i, _)| code(&replies[*i]) == Some("NOSCRIPT"))
            .map(|(i, call)| (i, call.by_body()))
            .unzip();
        if !again.is_empty() {
            for (i, reply) in indices.into_iter().zip(connection.send(again, limit()).await?) {
                replies[i] = reply;
            }
        }
        if let Some(code) = replies.iter().filter_map(code).find(|code| WRONG_SERVER.contains(code)) {
            return Err(Failure::WrongServer(code.to_owned()));
        }
        connection.last_used = SystemTime::now();
        self.idle().push(connection);
        Ok(Replies::new(calls.iter().map(Call::name).zip(replies).collect()))
    }

    /// An open connection, or a fresh one.
    async fn connection(&self) -> Result<Connection, Failure> {
        while let Some(connection) = self.take_idle() {
            if connection.is_fresh(self.settings.idle_limit) && connection.link.is_open().await {
                return Ok(connection);
            }
        }
        // Boxed: it is rare and large, and a request's future is moved whole.
        let opened = timeout(self.settings.batch_limit, Box::pin(self.server.connect())).await;
        let link = opened.map_err(|_| Failure::TimedOut)??;
        telemetry::count(Counter::RedisConnected);
        Ok(Connection { link, alarm: Alarm::default(), last_used: SystemTime::now() })
    }

    fn take_idle(&self) -> Option<Connection> {
        self.idle().pop()
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    /// A clock that went back tells nothing about idleness; a new connection costs less than a dead one.
    fn is_fresh(&self, limit: Duration) -> bool {
        self.last_used.elapsed().is_ok_and(|idle| idle <= limit)
    }

    async fn send(
        &mut self,
        commands: Vec<Cmd>,
        limit: Duration,
    ) -> Result<Vec<RedisResult<Value>>, Failure> {
        telemetry::count(Counter::RedisRoundTrips);
        let replies = self.alarm.limit(limit, pin!(self.link.send(&commands))).await;
        Ok(replies.ok_or(Failure::TimedOut)??)
    }
}

fn code(reply: &RedisResult<Value>) -> Option<&str> {
    reply.as_ref().err()?.code()
}
