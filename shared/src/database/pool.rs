//! A pool for processes that are frozen between requests.
//!
//! sqlx's own pool works in the background: it returns connections from a spawned task, after a ping, and reaps idle
//! ones from a timer. In a frozen Lambda environment nothing runs in the background, and a return caught in mid-ping by
//! the freeze holds its permit. So here nothing happens outside a request:
//!
//! - A connection is opened when a statement needs one, and goes back before the request goes on. No task, no timer, no
//!   ping on return: one statement is one round trip.
//! - After more than a second of idleness it is pinged before use (300 ms at most): a server or a proxy may have closed
//!   it during the freeze. By wall clock, because a monotonic clock may stand still while the environment is frozen.
//! - It goes back only after the server has answered. A request that gives up, panics or is cancelled owns the
//!   connection, so it closes with it: the next request gets a fresh one at once, and the server rolls back.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use sqlx::Connection;
use sqlx::postgres::PgConnection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::error::{Error, Result};
use super::settings::Settings;
use crate::alarm::Alarm;
use crate::telemetry::{self, Counter, Timer};

/// A live server in the same region answers a ping within a few milliseconds.
const PING_LIMIT: Duration = Duration::from_millis(300);

pub(super) struct Pool {
    pub(super) settings: Settings,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Idle>>,
    /// A stored statement was not there: all of them are sent whole, for as long as this environment lives.
    pub(super) sends_whole: AtomicBool,
}

struct Idle {
    connection: PgConnection,
    alarm: Alarm,
    since: SystemTime,
}

/// The right to one connection. Dropping it closes the connection; [`give_back`](Self::give_back) keeps it.
pub(super) struct Lease {
    /// None while a statement is under way (its future owns the connection) and after the connection was lost.
    pub(super) connection: Option<PgConnection>,
    /// For the statements of this connection.
    pub(super) alarm: Alarm,
    pub(super) pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    pub(super) fn new(settings: Settings) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(settings.connections));
        Arc::new(Self { settings, permits, idle: Mutex::default(), sends_whole: AtomicBool::new(false) })
    }

    pub(super) async fn acquire(self: &Arc<Self>) -> Result<Lease> {
        let began = Instant::now();
        let lease = self.lease().await;
        let waited = began.elapsed();
        telemetry::time(Timer::PoolWait, waited);
        telemetry::time(Timer::DatabaseTime, waited);
        if lease.is_err() {
            telemetry::count(Counter::DatabaseAway);
        }
        lease
    }

    async fn lease(self: &Arc<Self>) -> Result<Lease> {
        // Mostly there is one, and nothing to wait for or to limit.
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned()
            && let Some(idle) = self.trusted()
        {
            return Ok(self.lend(idle.connection, idle.alarm, permit));
        }
        let limit = self.settings.acquire_limit;
        timeout(limit, async {
            let permit = Arc::clone(&self.permits).acquire_owned().await;
            let permit = permit.map_err(|closed| Error::unavailable("connect", closed.to_string()))?;
            if let Some(Idle { connection, alarm, .. }) = self.idle_connection().await {
                return Ok(self.lend(connection, alarm, permit));
            }
            // Boxed: it is rare and large, and a request's future is moved whole.
            let opened = Box::pin(self.settings.connect()).await;
            let opened = opened.map_err(|error| Error::not_connected(&error))?;
            telemetry::count(Counter::DatabaseConnected);
            Ok(self.lend(opened, Alarm::default(), permit))
        })
        .await
        .unwrap_or_else(|_| Err(Error::unavailable("connect", format!("no connection within {limit:?}"))))
    }

    fn lend(self: &Arc<Self>, connection: PgConnection, alarm: Alarm, permit: OwnedSemaphorePermit) -> Lease {
        Lease { connection: Some(connection), alarm, pool: Arc::clone(self), _permit: permit }
    }

    /// One that was used a moment ago. The newest first: under little load the others stay idle and the server may
    /// close them.
    fn trusted(&self) -> Option<Idle> {
        let limit = self.settings.trusted_for;
        self.idle().pop_if(|idle| idle.since.elapsed().is_ok_and(|idle| idle <= limit))
    }

    async fn idle_connection(&self) -> Option<Idle> {
        if let Some(trusted) = self.trusted() {
            return Some(trusted);
        }
        let mut idle = self.idle().pop()?;
        telemetry::count(Counter::DatabaseRoundTrips);
        let began = SystemTime::now();
        if let Ok(Ok(())) = timeout(PING_LIMIT, idle.connection.ping()).await {
            return Some(idle);
        }
        let lost = self.discard_older(began) + 1;
        telemetry::add(Counter::DatabaseDiscarded, u32::try_from(lost).unwrap_or(u32::MAX));
        tracing::info!(
            lost,
            "{lost} idle database connections were closed by the other side; opening a new one"
        );
        None
    }

    /// What closed one connection during the freeze has closed the others that were idle by `moment`, and each would
    /// cost its own 300 ms. One that was given back since has just been answered.
    fn discard_older(&self, moment: SystemTime) -> usize {
        let mut idle = self.idle();
        let before = idle.len();
        idle.retain(|idle| idle.since >= moment);
        before - idle.len()
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// Keeps the connection, if it is still good, for the next statement.
    pub(super) fn give_back(mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.idle().push(Idle { connection, alarm: self.alarm, since: SystemTime::now() });
        }
    }
}
