//! `./dev test`: the gate. What CI runs is what people run.

mod count;
mod step;
mod steps;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use cloud::folder::Folder;
use cloud::key_value;
use cloud::own_cloud::OwnCloud;
use cloud::progress::{elapsed, say, seconds, table, tell};
use count::Count;
use step::{Outcome, Step, Verdict, execute};
use steps::{WITH_CLOUD, WITHOUT_CLOUD};

/// The gate's own cloud, so that it disturbs none that is running and finds the demo data untouched.
const CLOUD: &str = ".dev-test";
/// Advisories come from a repository; a machine without a way there must not wait long to learn it.
const FETCH_WITHIN: Duration = Duration::from_mins(1);

/// Runs every step, prints a table of them, and as the last line how many checks passed and failed.
pub(crate) async fn run(folder: &Folder) -> Result<ExitCode> {
    let gate = Gate::new(folder)?;
    // Nothing is reported before the cloud is down: a gate that leaves it running has not passed.
    let outcomes = gate.cloud.at_work(gate.run()).await?;
    Ok(gate.report(&outcomes))
}

struct Gate {
    cloud: OwnCloud,
    started: Instant,
}

impl Gate {
    fn new(folder: &Folder) -> Result<Self> {
        // A breaker that probes after two seconds, so that outages in the tests end soon.
        let cloud = OwnCloud::new(folder, CLOUD, &[("BREAKER_OPEN_SECONDS", "2")])?.watched();
        // Beside the cloud's logs, which go when the cloud is made afresh.
        let logs = cloud.folder().path.join("gate");
        fs::create_dir_all(logs).context("cannot make the folder of the gate's logs")?;
        Ok(Self { cloud, started: Instant::now() })
    }

    async fn run(&self) -> Result<Vec<Outcome>> {
        let mut outcomes = vec![self.check_advisories().await?];
        for step in WITHOUT_CLOUD {
            outcomes.push(step.run(&self.cloud, &environment(), &self.log(step.name)).await?);
        }
        let started = Instant::now();
        // Yesterday's tests must not decide today's.
        let cloud = self.cloud.start_afresh().await;
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
        environment.extend(key_value::read(&self.cloud.folder().env())?);
        for step in WITH_CLOUD {
            outcomes.push(match cloud {
                Err(_) if step.needs_cloud => step.skipped("there is no cloud"),
                _ => step.run(&self.cloud, &environment, &self.log(step.name)).await?,
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
        let fetch = execute(&self.cloud, &["cargo", "deny", "fetch", "db"], &environment, &log);
        let fetched = tokio::time::timeout(FETCH_WITHIN, fetch).await;
        self.cloud.end_command().await?;
        match fetched {
            Ok(Ok(status)) if status.success() => {
                step.run(&self.cloud, &environment, &self.log(step.name)).await
            }
            _ => Ok(step.skipped("their database cannot be fetched from here")),
        }
    }

    fn log(&self, name: &str) -> PathBuf {
        let letters = name.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        self.cloud.folder().path.join("gate").join(format!("{letters}.log"))
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
        tell(format_args!("\n{}", table(["step", "checks", "time", "result"], &rows)));
        tell(format_args!("  {} in all\n", elapsed(self.started)));
        let skipped = if skipped == 0 { String::new() } else { format!(", {skipped} skipped") };
        tell(format_args!("{} passed, {} failed{skipped}", total.passed, total.failed));
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
