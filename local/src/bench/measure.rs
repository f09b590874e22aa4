//! One case, measured.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use nix::sys::signal::Signal;

use super::cases::Case;
use super::counts::Counter;
use super::report::{Figures, Latency};
use crate::cloud::Cloud;
use crate::figures::{float, milliseconds, percentile};
use crate::key_value;
use crate::runtime_api::{Fleet, FunctionSettings, Settings, binaries};
use crate::services::Service;
use crate::traffic::{self, Traffic};
use crate::usage::{memory, processor_time};

/// Starts of a new process; their median is told.
const STARTS: usize = 15;
/// Before anything is counted: connections, caches of the processor.
const WARM_UP: u64 = 100;
/// Requests whose round trips are counted.
const COUNTED: u64 = 20;
/// Environments at a time in the crowded run.
const CROWD: usize = 8;

/// Measures cases against one cloud.
pub(super) struct Bench<'a> {
    pub(super) cloud: &'a Cloud,
    pub(super) traffic: Traffic,
    /// Numbers every request, so that each has a caller of its own.
    pub(super) next: AtomicU64,
}

impl Bench<'_> {
    /// A fleet of one function, with a command put before it.
    pub(super) async fn fleet(
        &self,
        function: &str,
        environments: usize,
        before: &[String],
    ) -> Result<Fleet> {
        let program = binaries(&self.cloud.folder.root, "release").join(function);
        let dev = &self.cloud.folder.dev;
        ensure!(program.is_file(), "there is no release build of {function}; {dev} bench makes one");
        let settings = FunctionSettings {
            command: before.iter().cloned().chain([program.display().to_string()]).collect(),
            // Under a tool that counts instructions everything takes fifty times as long.
            time_limit: Duration::from_mins(1),
            memory_mb: 512,
            environments,
            log: self.cloud.folder.log(Service::Functions.name()),
        };
        let functions = BTreeMap::from([(function.to_owned(), settings)]);
        let environment = key_value::read(&self.cloud.folder.env())?.into_iter().collect();
        Fleet::start(Settings { functions, environment }).await
    }

    /// Everything about a case but its instructions and sizes.
    pub(super) async fn measure(&self, case: &Case) -> Result<Figures> {
        let mut counter = Counter::new(self.cloud).await?;
        counter.empty_redis().await?;
        let fleet = self.fleet(case.function, 1, &[]).await?;
        let mut starts = Vec::new();
        for _ in 0..STARTS {
            starts.push(self.start(&fleet, case).await?);
        }
        self.run(&fleet, case, WARM_UP, 1).await?;
        let pid = only_process(&fleet)?;
        let before = counter.now().await?;
        self.run(&fleet, case, COUNTED, 1).await?;
        let counts = counter.now().await?.since(before);

        let own = i32::try_from(std::process::id())?;
        let before = (processor_time(pid)?, processor_time(own)?);
        let alone = self.run(&fleet, case, case.requests, 1).await?;
        let function = processor_time(pid)?.saturating_sub(before.0);
        let dispatcher = processor_time(own)?.saturating_sub(before.1);
        let memory = memory(pid)?;
        fleet.end().await?;

        counter.empty_redis().await?;
        let fleet = self.fleet(case.function, CROWD, &[]).await?;
        self.run(&fleet, case, WARM_UP, CROWD).await?;
        let crowd = self.run(&fleet, case, case.requests, CROWD).await?;
        fleet.end().await?;

        let each = |total: u64| per_request(total, COUNTED);
        Ok(Figures {
            start_ms: milliseconds(quantile(&mut starts, 50)),
            alone: alone.latency(),
            crowd: crowd.latency(),
            crowd_per_second: crowd.per_second(),
            cpu_us: microseconds(function) / float(case.requests),
            dispatcher_us: microseconds(dispatcher) / float(case.requests),
            resident_kb: memory.resident,
            proportional_kb: memory.proportional,
            peak_kb: memory.peak,
            redis_commands: each(counts.redis_commands),
            redis_round_trips: each(counts.redis_round_trips),
            statements: each(counts.statements),
            provider_calls: each(counts.provider_calls),
            ..Figures::default()
        })
    }

    /// From the invocation that finds no process to its answer.
    async fn start(&self, fleet: &Fleet, case: &Case) -> Result<Duration> {
        for environment in fleet.environments() {
            fleet.signal(environment.id, Signal::SIGKILL);
        }
        while !fleet.environments().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let took = self.send(fleet, case).await?;
        // What a killed process held open is cleared away before the next is started.
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok(took)
    }

    /// So many callers, each of whom sends its next request when the last is answered.
    pub(super) async fn run(&self, fleet: &Fleet, case: &Case, requests: u64, callers: usize) -> Result<Run> {
        let (started, left) = (Instant::now(), Arc::new(AtomicU64::new(requests)));
        let caller = || async {
            let mut times = Vec::new();
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
            {
                times.push(self.send(fleet, case).await?);
            }
            anyhow::Ok(times)
        };
        let times = try_join_all((0..callers).map(|_| caller())).await?.concat();
        Ok(Run { times, took: started.elapsed() })
    }

    async fn send(&self, fleet: &Fleet, case: &Case) -> Result<Duration> {
        let event = case.event(&self.traffic, self.next.fetch_add(1, Ordering::Relaxed))?;
        let started = Instant::now();
        let answer = fleet.invoke(case.function, event).await?;
        let took = started.elapsed();
        if let Some(expected) = case.status {
            let text = String::from_utf8_lossy(&answer.body);
            ensure!(traffic::status(&answer.body)? == expected, "{} is answered with {text}", case.name);
        }
        Ok(took)
    }
}

/// A run's requests.
pub(super) struct Run {
    times: Vec<Duration>,
    took: Duration,
}

impl Run {
    fn latency(&self) -> Latency {
        let mut times = self.times.clone();
        let (p50, p99) = (quantile(&mut times, 50), quantile(&mut times, 99));
        Latency { p50_us: microseconds(p50), p99_us: microseconds(p99) }
    }

    fn per_second(&self) -> f64 {
        float(self.times.len().try_into().unwrap_or(u64::MAX)) / self.took.as_secs_f64()
    }
}

fn only_process(fleet: &Fleet) -> Result<i32> {
    let environments = fleet.environments();
    environments.first().and_then(|environment| environment.pid).context("its process has died")
}

fn quantile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    percentile(times, percent).unwrap_or_default()
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn per_request(total: u64, requests: u64) -> f64 {
    float(total) / float(requests)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_one_of_the_values_that_were_measured() {
        let times =
            |range: std::ops::RangeInclusive<u64>| range.rev().map(Duration::from_millis).collect::<Vec<_>>();
        assert_eq!(quantile(&mut times(1..=100), 99), Duration::from_millis(99));
        assert_eq!(quantile(&mut times(1..=100), 50), Duration::from_millis(50));
        assert_eq!(quantile(&mut times(1..=3), 99), Duration::from_millis(3));
        assert_eq!(quantile(&mut [], 50), Duration::ZERO);
    }
}
