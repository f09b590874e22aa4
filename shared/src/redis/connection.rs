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

use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, IntoConnectionInfo, Pipeline, ProtocolVersion, PushInfo, PushKind,
};
use redis::{RedisError, RedisResult, Value};
use tokio::sync::Mutex;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::Settings;
use super::script::{Call, Replies};

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
    client: Client,
    settings: Settings,
    current: Mutex<Option<Current>>,
}

#[derive(Clone)]
struct Current {
    connection: MultiplexedConnection,
    dead: Arc<AtomicBool>,
    /// Wall clock: monotonic clocks may stand still while an environment is frozen.
    last_used: SystemTime,
}

impl Connections {
    pub(super) fn new(settings: Settings) -> RedisResult<Self> {
        let info = settings.url.as_str().into_connection_info()?;
        // RESP3: the server's closing is told as a push message, so a dead connection is known before it is used.
        let redis =
            info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3).set_skip_set_lib_name();
        let tcp = TcpSettings::default().set_nodelay(true);
        let client = Client::open(info.set_redis_settings(redis).set_tcp_settings(tcp))?;
        // The whole workspace has one TLS stack; an error here only says that it was installed before.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Ok(Self { client, settings, current: Mutex::new(None) })
    }

    /// Sends the calls in one pipeline; those whose script Redis does not know, alone, once more with the body.
    pub(super) async fn exchange(&self, calls: &[Call]) -> Result<Replies, Failure> {
        let current = self.current().await?;
        // Dead until proven alive: a future that is dropped at a time limit leaves the connection in doubt.
        let doubt = Doubt(&current.dead);
        let mut values = self.pipeline(&current, calls.iter().map(Call::by_sha)).await?;
        let unknown: Vec<usize> =
            (0..values.len()).filter(|&i| code(&values[i]) == Some("NOSCRIPT")).collect();
        if !unknown.is_empty() {
            let again = self.pipeline(&current, unknown.iter().map(|&i| calls[i].by_body())).await?;
            for (i, value) in unknown.into_iter().zip(again) {
                values[i] = value;
            }
        }
        if let Some(code) = values.iter().filter_map(code).find(|code| WRONG_SERVER.contains(code)) {
            return Err(Failure::WrongServer(code.to_owned()));
        }
        doubt.dispelled();
        Ok(Replies::new(calls.iter().map(Call::name).zip(values).collect()))
    }

    async fn pipeline(
        &self,
        current: &Current,
        commands: impl Iterator<Item = redis::Cmd>,
    ) -> Result<Vec<Value>, Failure> {
        let mut pipeline = Pipeline::new();
        pipeline.ignore_errors();
        for command in commands {
            pipeline.add_command(command);
        }
        let mut connection = current.connection.clone();
        let reply = timeout(self.settings.response_limit, pipeline.query_async(&mut connection)).await;
        Ok(reply.map_err(|_| Failure::TimedOut)??)
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
        let on_push = dead.clone();
        // Time limits are ours (`Redis::batch`, `pipeline`), in one place; the crate's would come on top.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None)
            .set_push_sender(move |push: PushInfo| {
                if push.kind == PushKind::Disconnection {
                    on_push.store(true, Ordering::Relaxed);
                }
                Ok::<(), redis::aio::SendError>(())
            });
        let connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        Ok(slot.insert(Current { connection, dead, last_used: now }).clone())
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

fn code(value: &Value) -> Option<&str> {
    match value {
        Value::ServerError(error) => Some(error.code()),
        _ => None,
    }
}
