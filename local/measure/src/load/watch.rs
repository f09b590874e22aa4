//! What the shop is like while customers ask: looked at from outside every few seconds, and read from the functions'
//! log.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use shared::breaker::{Breaker, Phase, Settings};
use shared::database::{self, Database, Statement};
use shared::redis::{self, Redis};
use shared::telemetry::Counter;
use tokio::task::block_in_place;
use tokio::time::Instant;

use super::processors::{Busy, Used};
use crate::usage::memory;
use cloud::Cloud;
use cloud::figures::float;
use cloud::log::read_from;
use cloud::service::Service;
use lambda::runtime_api::Fleet;
use stats::Sample;

/// One look. What did not answer is `None`.
#[derive(Clone, Debug, Default)]
pub(super) struct Moment {
    /// Since the beginning.
    pub(super) at: Duration,
    /// Server connections that Postgres has for the functions.
    pub(super) connections: Option<u64>,
    /// Orders that wait for their next step.
    pub(super) unfinished: Option<u64>,
    pub(super) breaker: Option<Phase>,
    /// What each environment has resident, in kilobytes: what Lambda bills by.
    pub(super) memory: BTreeMap<u64, u64>,
    /// Processors that were busy since the last look.
    pub(super) busy: Busy,
    /// What the functions' log has counted since the last look.
    pub(super) counts: BTreeMap<&'static str, u64>,
}

impl Moment {
    pub(super) fn count(&self, counter: Counter) -> u64 {
        self.counts.get(counter.name()).copied().unwrap_or_default()
    }

    pub(super) fn environments(&self) -> usize {
        self.memory.len()
    }

    pub(super) fn megabytes(&self) -> f64 {
        float(self.memory.values().sum()) / 1024.0
    }
}

/// Looks.
pub(super) struct Watch<'a> {
    cloud: &'a Cloud,
    fleet: Arc<Fleet>,
    breaker: Breaker,
    redis: Redis,
    orders: Orders,
    log: PathBuf,
    position: u64,
    last: (Instant, Used),
}

impl<'a> Watch<'a> {
    /// From now on.
    pub(super) fn new(cloud: &'a Cloud, fleet: &Arc<Fleet>) -> Result<Self> {
        let url = format!("redis://127.0.0.1:{}", cloud.port(Service::Redis)?);
        let redis = Redis::new(redis::Settings::new(url))?;
        let log = cloud.folder.log(Service::Functions.name());
        Ok(Self {
            cloud,
            fleet: Arc::clone(fleet),
            breaker: Breaker::new("payments", Settings::DEFAULT, redis.clone(), "load"),
            redis,
            orders: Orders::of(cloud)?,
            position: std::fs::metadata(&log).map_or(0, |log| log.len()),
            log,
            last: (Instant::now(), Used::now(cloud, fleet)?),
        })
    }

    /// One look.
    pub(super) async fn look(&mut self, began: Instant) -> Result<Moment> {
        let (orders, breaker) = tokio::join!(self.orders.look(), self.redis.batch(self.breaker.show()));
        // Nobody who waits for an answer of the shop waits for this: it reads a second of log, and all of /proc.
        let seen = block_in_place(|| self.see(began))?;
        Ok(Moment {
            connections: orders.as_ref().ok().map(|orders| orders.0),
            unfinished: orders.ok().map(|orders| orders.1),
            breaker: breaker.map(|shown| shown.machine.phase),
            ..seen
        })
    }

    /// What the machine and the log say.
    fn see(&mut self, began: Instant) -> Result<Moment> {
        let (now, used) = (Instant::now(), Used::now(self.cloud, &self.fleet)?);
        let busy = used.since(&self.last.1, now - self.last.0);
        self.last = (now, used);
        let mut counts = BTreeMap::new();
        let count = |line: &str| {
            let Some(sample) = Sample::read(line) else { return };
            for counter in Counter::ALL {
                *counts.entry(counter.name()).or_default() += sample.count(*counter);
            }
        };
        self.position = read_from(&self.log, self.position, count)?;
        // One may end between the two.
        let environments = self.fleet.environments().into_iter();
        let memory = environments.filter_map(|one| Some((one.id, memory(one.pid?).ok()?.resident))).collect();
        Ok(Moment { at: now - began, memory, busy, counts, ..Moment::default() })
    }
}

static LOOK: Statement = Statement::new(
    "load.look",
    "select (select count(*) from pg_stat_activity where usename = 'millrace_app'),
        (select count(*) from orders where next_attempt_at is not null)",
);

/// Asks Postgres itself, over one connection that stays: a `psql` for each look took the machine 40 ms of each second.
pub(super) struct Orders(Database);

impl Orders {
    pub(super) fn of(cloud: &Cloud) -> Result<Self> {
        Ok(Self(Database::new(database::Settings::new(&cloud.database_direct_url()?)?)))
    }

    /// Connections of the functions' role, and orders that wait for their next step.
    pub(super) async fn look(&self) -> Result<(u64, u64)> {
        let (connections, orders): (i64, i64) = self.0.fetch_one(&LOOK).await?;
        Ok((connections.try_into()?, orders.try_into()?))
    }
}
