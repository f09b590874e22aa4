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
use std::time::Instant;

use redis::{Cmd, RedisError, RedisResult, Value};
use tokio::time::timeout;

use super::door::Door;
use super::link::Link;
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
    door: Door,
    settings: Settings,
    idle: Mutex<Vec<Connection>>,
}

struct Connection {
    link: Link,
    alarm: Alarm,
}

impl Connections {
    pub(super) fn new(settings: Settings) -> Result<Self, InvalidSettings> {
        Ok(Self { door: Door::new(&settings)?, settings, idle: Mutex::default() })
    }

    /// Sends the calls together. Those whose script Redis does not know were surely not carried out, and go once more,
    /// with its body.
    pub(super) async fn exchange(&self, calls: &[Call]) -> Result<Replies, Failure> {
        let deadline = Instant::now() + self.settings.batch_limit;
        let mut connection = self.connection().await?;
        let sent = calls.iter().map(Call::by_sha).collect();
        let mut replies = self.send(&mut connection, sent, deadline).await?;
        let (indices, again): (Vec<usize>, Vec<Cmd>) = calls
            .iter()
            .enumerate()
            .filter(|(i, _)| code(&replies[*i]) == Some("NOSCRIPT"))
            .map(|(i, call)| (i, call.by_body()))
            .unzip();
        if !again.is_empty() {
            for (i, reply) in indices.into_iter().zip(self.send(&mut connection, again, deadline).await?) {
                replies[i] = reply;
            }
        }
        if let Some(code) = replies.iter().filter_map(code).find(|code| WRONG_SERVER.contains(code)) {
            return Err(Failure::WrongServer(code.to_owned()));
        }
        self.idle().push(connection);
        Ok(Replies::new(calls.iter().map(Call::name).zip(replies).collect()))
    }

    /// An open connection, or a fresh one.
    async fn connection(&self) -> Result<Connection, Failure> {
        while let Some(mut connection) = self.take_idle() {
            if connection.link.is_open(self.settings.idle_limit) {
                return Ok(connection);
            }
        }
        // Boxed: it is rare and large, and a request's future is moved whole.
        let opening = Box::pin(Link::open(&self.door, self.settings.cluster));
        let link = timeout(self.settings.batch_limit, opening).await.map_err(|_| Failure::TimedOut)??;
        Ok(Connection { link, alarm: Alarm::default() })
    }

    async fn send(
        &self,
        connection: &mut Connection,
        commands: Vec<Cmd>,
        deadline: Instant,
    ) -> Result<Vec<RedisResult<Value>>, Failure> {
        telemetry::count(Counter::RedisRoundTrips);
        let Connection { link, alarm } = connection;
        let left = deadline.saturating_duration_since(Instant::now());
        // Where a node of a cluster is yet to be connected with, that is no exchange on an open connection.
        let limit = if link.reaches(&commands) { left.min(self.settings.response_limit) } else { left };
        let replies = alarm.limit(limit, pin!(link.send(&self.door, &commands))).await;
        Ok(replies.ok_or(Failure::TimedOut)??)
    }

    /// Lets go of the alarms: one that was put off still wakes the process at its old time, in the middle of a wait.
    pub(super) fn rest(&self) {
        self.idle().iter_mut().for_each(|connection| connection.alarm = Alarm::default());
    }

    fn take_idle(&self) -> Option<Connection> {
        self.idle().pop()
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn code(reply: &RedisResult<Value>) -> Option<&str> {
    reply.as_ref().err()?.code()
}
