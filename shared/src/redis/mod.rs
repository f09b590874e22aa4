//! Redis behind hard time limits: many commands, one round trip, always an answer.
//!
//! The resilience mechanisms speak to Redis in [`Command`]s: values that say what to send and how to read the reply.
//! A handler gathers the commands it needs and sends them as one batch:
//!
//! ```no_run
//! # use shared::{cache::Cache, http::limits::API, rate_limit::{Identity, Limiter}, redis::Redis};
//! # async fn example(redis: Redis, limiter: Limiter, caller: Identity, products: Cache, id: &str) {
//! let (verdict, product) = redis.batch((limiter.check(&caller, &[API]), products.lookup(id))).await;
//! # }
//! ```
//!
//! A batch cannot fail. When Redis is away, slow or broken, each command gives its own degraded answer, and a
//! circuit breaker of this environment (`guard.rs`) leaves Redis alone for a while, so that only the first requests of
//! an outage pay for finding out.

mod cluster;
mod command;
mod connection;
mod door;
mod guard;
mod iam;
mod link;
mod reply;
mod script;
mod settings;
mod wire;

use std::sync::Arc;
use std::time::Instant;

use futures::future::BoxFuture;
use tracing::{debug, warn};

pub use command::Command;
pub use iam::Iam;
pub use script::{Call, Calls, NoAnswer, Replies, Script};
pub use settings::{InvalidSettings, Settings};

use crate::telemetry::{self, Counter, Timer};
use connection::Connections;
use guard::Guard;

/// A handle to Redis. Cheap to clone; connects on first use.
#[derive(Clone)]
pub struct Redis(Arc<Inner>);

struct Inner {
    connections: Connections,
    guard: Guard,
}

impl Redis {
    /// Prepares a client. No network is touched.
    pub fn new(settings: Settings) -> Result<Self, InvalidSettings> {
        let connections = Connections::new(settings)?;
        Ok(Self(Arc::new(Inner { connections, guard: Guard::default() })))
    }

    /// Sends `commands` in one round trip and returns their answers, degraded ones if Redis is away.
    pub async fn batch<C: Command>(&self, commands: C) -> C::Output {
        self.send(commands, false).await
    }

    /// Like [`Redis::batch`], for what others must not miss and what may be repeated: never leaves Redis alone after it
    /// was away, and tries a second time where the first got no answer. While one environment still spares Redis,
    /// another may read from it again, and a machine under load can miss one answer without any outage (`./dev chaos`
    /// found updates of a product whose invalidation was lost in both ways, and readers that got the older one).
    pub async fn insist<C: Command>(&self, commands: C) -> C::Output {
        self.send(commands, true).await
    }

    /// Takes back what `output`, the answer to such a command, tells of: one more round trip, and none where there is
    /// nothing.
    pub async fn undo<C: Command>(&self, output: C::Output) {
        let mut calls = Calls::default();
        C::undo(output, &mut calls);
        self.exchange(&calls.into_vec(), false).await;
    }

    /// Says that something else is waited for now, and for long.
    pub fn rest(&self) {
        self.0.connections.rest();
    }

    /// The answer to one call, or why there is none: for a person who asks what a server can do. A request goes on
    /// without.
    pub async fn examine<T: ::redis::FromRedisValue>(&self, call: Call) -> Result<T, NoAnswer> {
        let replies = self.0.connections.exchange(&[call]).await;
        replies.map_err(|failure| NoAnswer::Silence(failure.to_string()))?.only()
    }

    async fn send<C: Command>(&self, commands: C, insist: bool) -> C::Output {
        let mut calls = Calls::default();
        commands.calls(&mut calls);
        let calls = calls.into_vec();
        let mut replies = self.exchange(&calls, insist).await;
        if insist && replies.is_none() {
            replies = self.exchange(&calls, insist).await;
        }
        commands.read(&mut replies.unwrap_or_else(Replies::none))
    }

    /// The replies; `None` if Redis gave none. Boxed: see [`crate::http::serve`].
    fn exchange<'a>(&'a self, calls: &'a [Call], insist: bool) -> BoxFuture<'a, Option<Replies>> {
        Box::pin(self.ask(calls, insist))
    }

    async fn ask(&self, calls: &[Call], insist: bool) -> Option<Replies> {
        if calls.is_empty() {
            return Some(Replies::none());
        }
        // Asked first: whoever insists ends an outage as well as anybody.
        if !(self.0.guard.admits() || insist) {
            debug!(outcome = "left_alone", calls = calls.len(), "redis batch");
            telemetry::count(Counter::RedisAway);
            telemetry::count(Counter::RedisLeftAlone);
            return None;
        }
        let began = Instant::now();
        let outcome = self.0.connections.exchange(calls).await;
        telemetry::time(Timer::RedisTime, began.elapsed());
        let failure = match outcome {
            Ok(replies) => {
                debug!(outcome = "answered", calls = calls.len(), "redis batch");
                if self.0.guard.succeeded() {
                    warn!("Redis answers again");
                }
                return Some(replies);
            }
            Err(failure) => failure,
        };
        telemetry::count(Counter::RedisAway);
        telemetry::count(Counter::RedisFailed);
        debug!(outcome = "failed", calls = calls.len(), error = %failure, "redis batch");
        // Once for each outage: what follows is the same news again.
        if let Some(pause) = self.0.guard.failed(began) {
            warn!(error = %failure, ?pause, "Redis is away; going on without it");
        }
        None
    }
}
