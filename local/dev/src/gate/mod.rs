//! `./dev test`: the gate. What CI runs is what people run.

mod count;
mod step;
mod steps;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::signal::unix::{SignalKind, signal};

use cloud::folder::Folder;
use cloud::key_value;
use cloud::progress::{elapsed, say, seconds, table};
use count::Count;
use step::{Outcome, Step, Verdict, execute};
use steps::{WITH_CLOUD, WITHOUT_CLOUD};

/// The gate's own cloud, so that it disturbs none that is running and finds the demo data untouched.
const CLOUD: &str = ".dev-test";
/// Advisories come from a repository; a machine without a way there must not wait long to learn it.
const FETCH_WITHIN: Duration = Duration::from_mins(1);

/// Runs every step, prints a table of them, and as the last line how many checks passed and failed.
pub(crate) async fn run(folder: &Folder) -> Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate())?;
    let gate = Gate::new(folder)?;
    let outcome = tokio::select! {
        outcomes = gate.run() => outcomes,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
        _ = terminate.recv() => Err(anyhow::anyhow!("terminated")),
    };
    // Before anything is reported: a gate that leaves its cloud running has not passed.
    gate.cloud("down").await?;
    Ok(gate.report(&outcome?))
}

struct Gate {
    folder: Folder,
    /// This program, as it was named when the gate began. The tests' build may replace the file meanwhile, and then the
    /// system names it "… (deleted)": a gate that asked only at its end could not stop its cloud.
    program: PathBuf,
    started: Instant,
}

impl Gate {
    fn new(folder: &Folder) -> Result<Self> {
        let folder =
            Folder::at(&folder.root, &folder.root.join(CLOUD), &format!("MILLRACE_DEV_DIR={CLOUD} ./dev"))?;
        // Beside the cloud's logs, which go when the cloud is made afresh.
        fs::create_dir_all(folder.path.join("gate")).context("cannot make the folder of the gate's logs")?;
        let program = std::env::current_exe().context("cannot find this program's own path")?;
        Ok(Self { folder, program, started: Instant::now() })
    }

    async fn run(&self) -> Result<Vec<Outcome>> {
        let mut outcomes = vec![self.check_advisories().await?];
        for step in WITHOUT_CLOUD {
            outcomes.push(step.run(&environment(), &self.log(step.name)).await?);
        }
        let started = Instant::now();
        let cloud = self.start_cloud().await;
        if let Err(error) = &cloud {
            say(format_args!("  {error:#}"));
        }
        let count = Count { passed: u32::from(cloud.is_ok()), failed: u32::from(cloud.is_err()) };
        outcomes.push(Outcome {
            name: "A cloud of its own",
            verdict: Verdict::Done(count),
            took: started.elapsed(),
        });
        let mut environment = environment();
        environment.extend(key_value::read(&self.folder.env())?);
        for step in WITH_CLOUD {
            outcomes.push(match cloud {
                Err(_) if step.needs_cloud => step.skipped("there is no cloud"),
                _ => step.run(&environment, &self.log(step.name)).await?,
            });
        }
        Ok(outcomes)
    }

    /// Known vulnerabilities, where their database can be had.
    async fn check_advisories(&self) -> Result<Outcome> {
        let step = Step {
            name: "Advisories",
            command: &["cargo", "deny", "--workspace", "check", "--disable-fetch", "advisories"],
            counter: count::Counter::One,
            advice: "Update the crate that it names, or say in deny.toml why it does not concern us.",
            needs_cloud: false,
        };
        let log = self.log("fetch-advisories");
        let environment = environment();
        let fetch = execute(&["cargo", "deny", "fetch", "db"], &environment, &log);
        match tokio::time::timeout(FETCH_WITHIN, fetch).await {
            Ok(Ok(status)) if status.success() => step.run(&environment, &self.log(step.name)).await,
            _ => Ok(step.skipped("their database cannot be fetched from here")),
        }
    }

    /// A fresh one: yesterday's tests must not decide today's.
    async fn start_cloud(&self) -> Result<()> {
        self.cloud("reset").await?;
        self.cloud("up --detach").await
    }

    /// Runs this program for the gate's cloud. It says itself how far it is.
    async fn cloud(&self, command: &str) -> Result<()> {
        let mut cloud = tokio::process::Command::new(&self.program);
        cloud
            .args(command.split(' '))
            // A breaker that probes after two seconds, so that outages in the tests end soon.
            .envs([("MILLRACE_DEV_DIR", CLOUD), ("MILLRACE_NO_RELOAD", "1"), ("BREAKER_OPEN_SECONDS", "2")])
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null());
        let status = cloud.status().await.context("cannot run this program again")?;
        ensure!(status.success(), "the gate's cloud: {command} failed");
        Ok(())
    }

    fn log(&self, name: &str) -> PathBuf {
        let letters = name.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        self.folder.path.join("gate").join(format!("{letters}.log"))
    }

    fn report(&self, outcomes: &[Outcome]) -> ExitCode {
        let (mut total, mut skipped) = (Count::default(), 0);
        let rows: Vec<_> = outcomes
            .iter()
            .map(|outcome| {
                let (result, checks) = match &outcome.verdict {
                    Verdict::Skipped(reason) => {
                        skipped += 1;
                        (format!("skipped: {reason}"), String::new())
                    }
                    Verdict::Done(count) => {
                        total.passed += count.passed;
                        total.failed += count.failed;
                        let result = if count.failed == 0 { "passed" } else { "FAILED" };
                        (result.to_owned(), (count.passed + count.failed).to_string())
                    }
                };
                [outcome.name.to_owned(), checks, seconds(outcome.took), result]
            })
            .collect();
        println!("\n{}", table(["step", "checks", "time", "result"], &rows));
        println!("  {} in all\n", elapsed(self.started));
        let skipped = if skipped == 0 { String::new() } else { format!(", {skipped} skipped") };
        println!("{} passed, {} failed{skipped}", total.passed, total.failed);
        if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// What every step gets besides our own environment.
fn environment() -> BTreeMap<String, String> {
    let pairs = [
        ("CARGO_TERM_COLOR", "never"),
        ("MILLRACE_DEV_DIR", CLOUD),
        ("RUSTDOCFLAGS", "-D warnings"),
        ("SAM_CLI_TELEMETRY", "0"),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}
