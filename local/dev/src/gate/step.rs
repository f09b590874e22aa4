//! One step of the gate.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use super::count::{Count, Counter};
use cloud::own_cloud::OwnCloud;
use cloud::progress::{elapsed, say, step};

/// How much of a failed step's output is shown.
const TAIL_LINES: usize = 80;

/// With it a step says that it cannot run here, as automake's tests do.
const CANNOT_RUN: i32 = 77;

/// A command and what to do when it fails.
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) command: &'static [&'static str],
    pub(super) counter: Counter,
    pub(super) advice: &'static str,
    /// Whether it talks to the cloud, and so makes no sense without one.
    pub(super) needs_cloud: bool,
}

/// How a step ended.
pub(super) enum Verdict {
    Done(Count),
    /// Not run, and why.
    Skipped(&'static str),
}

/// A step that is over.
pub(super) struct Outcome {
    pub(super) name: &'static str,
    pub(super) verdict: Verdict,
    pub(super) took: Duration,
}

impl Step {
    /// Runs it with an environment, its output going to a file, and shows the output's end if it fails.
    pub(super) async fn run(
        &self,
        cloud: &OwnCloud,
        environment: &BTreeMap<String, String>,
        log: &Path,
    ) -> Result<Outcome> {
        let started = Instant::now();
        let work = async {
            let status = execute(cloud, self.command, environment, log).await?;
            let cannot_run = status.code() == Some(CANNOT_RUN);
            ensure!(status.success() || cannot_run, "it failed");
            Ok(cannot_run)
        };
        let ended = step(self.name, work).await;
        if let Ok(true) = ended {
            return Ok(self.skipped("it cannot run on this machine"));
        }
        let success = ended.is_ok();
        let output = fs::read(log).unwrap_or_default();
        let output = String::from_utf8_lossy(&output);
        if !success {
            let lines: Vec<_> = output.lines().collect();
            let tail = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n    ");
            say(format_args!(
                "    {tail}\n\n  {} failed after {}. {}",
                self.name,
                elapsed(started),
                self.advice
            ));
            say(format_args!("  Its whole output: {}\n", log.display()));
        }
        let verdict = Verdict::Done(self.counter.read(&output, success));
        Ok(Outcome { name: self.name, verdict, took: started.elapsed() })
    }

    /// The outcome of not running it.
    pub(super) fn skipped(&self, reason: &'static str) -> Outcome {
        say(format_args!("  {}: skipped, {reason}", self.name));
        Outcome { name: self.name, verdict: Verdict::Skipped(reason), took: Duration::ZERO }
    }
}

/// Runs a command to its end, everything it says going to a file. Who stops waiting has the cloud end it.
pub(super) async fn execute(
    cloud: &OwnCloud,
    command: &[&str],
    environment: &BTreeMap<String, String>,
    log: &Path,
) -> Result<ExitStatus> {
    let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    let (program, arguments) = command.split_first().context("a step without a command")?;
    let mut command = Command::new(program);
    command.args(arguments).envs(environment).stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    cloud.wait_for(&mut command).await.with_context(|| format!("cannot run {program}"))
}
