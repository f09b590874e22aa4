//! One case, measured.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use nix::sys::signal::Signal;

use super::cases::{Case, PATIENCE, ROUNDS};
use super::counts::{Counter, Counts};
use super::report::{Figures, Latency};
use super::run::{Run, median, microseconds, quantile};
use crate::usage::{memory, processor_time};
use cloud::Cloud;
use cloud::figures::{float, milliseconds};
use cloud::key_value;
use cloud::log::open_log;
use cloud::service::Service;
use customers::traffic::{self, Traffic};
use lambda::runtime_api::{Fleet, FunctionSettings, Settings};

/// Starts of a new process; their median is told.
const STARTS: usize = 15;
/// Before anything is counted: connections, caches of the processor.
const WARM_UP: u64 = 100;
/// The same for Node.js, which compiles what it has seen often enough.
const NODE_WARM_UP: u64 = 1000;
/// Requests whose round trips are counted.
const COUNTED: u64 = 20;
/// Environments at a time in the crowded run.
const CROWD: usize = 8;
/// Callers that leave none of them idle.
const BUSY: usize = 2 * CROWD;
/// What every function is told it has, so that none is given more garbage to keep than another.
pub(super) const MEMORY_MB: u32 = 512;

/// Measures cases against one cloud.
pub(super) struct Bench<'a> {
    pub(super) cloud: &'a Cloud,
    pub(super) traffic: Traffic,
    /// Numbers every request, so that each has a caller of its own.
    pub(super) next: AtomicU64,
}

/// What is started for a case: our function, or another that serves the same events.
#[derive(Clone)]
pub(super) struct Candidate {
    pub(super) command: Vec<String>,
    warm_up: u64,
}

impl Candidate {
    /// A function in Node.js that this command starts.
    pub(super) fn in_node(command: Vec<String>) -> Self {
        Self { command, warm_up: NODE_WARM_UP }
    }

    /// A case that takes long is warm after fewer.
    fn warm_up(&self, case: &Case) -> u64 {
        self.warm_up.min(case.requests)
    }
}

impl Bench<'_> {
    /// Our function for a case.
    pub(super) fn ours(&self, case: &Case) -> Result<Candidate> {
        let program = self.cloud.folder.binaries("release").join(case.function);
        let dev = &self.cloud.folder.dev;
        ensure!(program.is_file(), "there is no release build of {}; {dev} bench makes one", case.function);
        Ok(Candidate { command: vec![program.display().to_string()], warm_up: WARM_UP })
    }

    /// A fleet of a case's function, started by this command.
    pub(super) async fn fleet(
        &self,
        case: &Case,
        environments: usize,
        command: Vec<String>,
    ) -> Result<Fleet> {
        let settings = FunctionSettings {
            command,
            program: None,
            // Under a tool that counts instructions everything takes fifty times as long.
            time_limit: Duration::from_mins(1),
            memory_mb: MEMORY_MB,
            environments,
            at_a_time: 1,
            log: open_log(&self.cloud.folder.log(Service::Functions.name()))?,
        };
        let functions = BTreeMap::from([(case.function.to_owned(), settings)]);
        let environment = key_value::read(&self.cloud.folder.env())?.into_iter().collect();
        Fleet::start(Settings { functions, environment }).await
    }

    /// One environment of each, one request after the other; in turn, so that what a busy machine adds, it adds to all.
    pub(super) async fn alone(&self, candidates: &[(&Case, Candidate)]) -> Result<Vec<Alone>> {
        let mut counter = Counter::new(self.cloud).await?;
        counter.empty_redis().await?;
        let mut started = Vec::new();
        for (case, candidate) in candidates {
            started.push(self.begin(case, candidate, &mut counter).await?);
        }
        for _ in 0..ROUNDS {
            for ((case, _), alone) in candidates.iter().zip(&mut started) {
                let round = self.round(&alone.fleet, case, alone.pid).await?;
                alone.rounds.push(round);
            }
        }
        try_join_all(started.into_iter().map(Started::end)).await
    }

    /// Starts, warms up and counts.
    async fn begin(&self, case: &Case, candidate: &Candidate, counter: &mut Counter<'_>) -> Result<Started> {
        let fleet = self.fleet(case, 1, candidate.command.clone()).await?;
        let mut starts = Vec::new();
        for _ in 0..STARTS {
            starts.push(self.start(&fleet, case).await?);
        }
        self.run(&fleet, case, candidate.warm_up(case), 1).await?;
        let pid = only_process(&fleet)?;
        let before = counter.now().await?;
        self.ask(&fleet, case, COUNTED).await?;
        let counts = counter.now().await?.since(before);
        Ok(Started { fleet, pid, starts, counts, rounds: Vec::new() })
    }

    async fn round(&self, fleet: &Fleet, case: &Case, pid: i32) -> Result<Round> {
        let own = i32::try_from(std::process::id())?;
        let before = (processor_time(pid)?, processor_time(own)?);
        let run = self.run(fleet, case, case.requests, 1).await?;
        let requests = run.requests();
        let each = |used: Duration, before| microseconds(used.saturating_sub(before)) / float(requests);
        Ok(Round {
            requests,
            latency: run.latency(),
            function_us: each(processor_time(pid)?, before.0),
            dispatcher_us: each(processor_time(own)?, before.1),
        })
    }

    /// More environments of each than the machine has processors: first with as many callers, then, in turn, with twice
    /// as many, who leave none of them idle.
    pub(super) async fn crowd(&self, case: &Case, candidates: &[Candidate]) -> Result<Vec<Crowd>> {
        Counter::new(self.cloud).await?.empty_redis().await?;
        let (mut fleets, mut crowds) = (Vec::new(), Vec::new());
        for candidate in candidates {
            let fleet = self.fleet(case, CROWD, candidate.command.clone()).await?;
            self.run(&fleet, case, candidate.warm_up(case) * CROWD as u64, BUSY).await?;
            let run = self.run(&fleet, case, case.requests, CROWD).await?;
            fleets.push(fleet);
            crowds.push(Crowd { latency: run.latency(), per_second: run.per_second(), busy_us: Vec::new() });
        }
        for _ in 0..ROUNDS {
            for (fleet, crowd) in fleets.iter().zip(&mut crowds) {
                crowd.busy_us.push(self.busy(fleet, case).await?);
            }
        }
        try_join_all(fleets.into_iter().map(Fleet::end)).await?;
        Ok(crowds)
    }

    /// Processor time of all environments of a fleet for one request.
    async fn busy(&self, fleet: &Fleet, case: &Case) -> Result<f64> {
        let used = || -> Result<Duration> {
            let processes = fleet.environments();
            let processes = processes.iter().map(|one| one.pid.context("a process has died"));
            processes.map(|pid| processor_time(pid?)).sum()
        };
        let before = used()?;
        let run = self.run(fleet, case, case.requests, BUSY).await?;
        Ok(microseconds(used()?.saturating_sub(before)) / float(run.requests()))
    }

    /// From the invocation that finds no process to its answer.
    async fn start(&self, fleet: &Fleet, case: &Case) -> Result<Duration> {
        for environment in fleet.environments() {
            fleet.signal(environment.id, Signal::SIGKILL);
        }
        while !fleet.environments().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // What a killed process held open is cleared away before the next is started: else its place in the queue might
        // be given the event.
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.send(fleet, case).await
    }

    /// So many requests, one after the other, however long they take.
    pub(super) async fn ask(&self, fleet: &Fleet, case: &Case, requests: u64) -> Result<()> {
        for _ in 0..requests {
            self.send(fleet, case).await?;
        }
        Ok(())
    }

    /// So many callers, each of whom sends its next request when the last is answered, until so many are sent or
    /// patience ends.
    async fn run(&self, fleet: &Fleet, case: &Case, requests: u64, callers: usize) -> Result<Run> {
        let (started, left) = (Instant::now(), Arc::new(AtomicU64::new(requests)));
        let caller = || async {
            let mut times = Vec::new();
            while started.elapsed() < PATIENCE
                && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
            {
                times.push(self.send(fleet, case).await?);
            }
            anyhow::Ok(times)
        };
        let times = try_join_all((0..callers).map(|_| caller())).await?.concat();
        Ok(Run { times, took: started.elapsed() })
    }

    /// A number that no request has had.
    pub(super) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    async fn send(&self, fleet: &Fleet, case: &Case) -> Result<Duration> {
        let event = case.event(&self.traffic, self.number())?;
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

/// One environment that is being measured.
struct Started {
    fleet: Fleet,
    pid: i32,
    starts: Vec<Duration>,
    counts: Counts,
    rounds: Vec<Round>,
}

/// What one environment took.
pub(super) struct Alone {
    pub(super) figures: Figures,
    /// Processor time of one request, in each round.
    pub(super) cpu_us: Vec<f64>,
    /// The median answer, in each round.
    pub(super) p50_us: Vec<f64>,
}

/// What eight environments took.
pub(super) struct Crowd {
    pub(super) latency: Latency,
    pub(super) per_second: f64,
    /// Processor time of one request while all were busy, in each round.
    pub(super) busy_us: Vec<f64>,
}

impl Started {
    async fn end(mut self) -> Result<Alone> {
        let memory = memory(self.pid)?;
        self.fleet.end().await?;
        let each = |total: u64| float(total) / float(COUNTED);
        let rounds = &self.rounds;
        let all = |of: fn(&Round) -> f64| rounds.iter().map(of).collect::<Vec<_>>();
        let middle = |of| median(all(of));
        let figures = Figures {
            start_ms: milliseconds(quantile(&mut self.starts, 50)),
            requests: rounds.iter().map(|round| round.requests).sum(),
            alone: Latency {
                p50_us: middle(|round| round.latency.p50_us),
                p99_us: middle(|round| round.latency.p99_us),
            },
            cpu_us: middle(|round| round.function_us),
            dispatcher_us: middle(|round| round.dispatcher_us),
            resident_kb: memory.resident,
            proportional_kb: memory.proportional,
            peak_kb: memory.peak,
            redis_commands: each(self.counts.redis_commands),
            redis_round_trips: each(self.counts.redis_round_trips),
            statements: each(self.counts.statements),
            provider_calls: each(self.counts.provider_calls),
            ..Figures::default()
        };
        Ok(Alone {
            figures,
            cpu_us: all(|round| round.function_us),
            p50_us: all(|round| round.latency.p50_us),
        })
    }
}

/// What a run of one environment took, each request on average.
struct Round {
    requests: u64,
    latency: Latency,
    function_us: f64,
    dispatcher_us: f64,
}

fn only_process(fleet: &Fleet) -> Result<i32> {
    let environments = fleet.environments();
    environments.first().and_then(|environment| environment.pid).context("its process has died")
}
