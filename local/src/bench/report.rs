//! What was measured, as it is kept: one JSON file for each run.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// A run of the benchmark.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Report {
    /// When, UTC.
    pub(super) date: String,
    /// Where: processors and system.
    pub(super) machine: String,
    /// How it was called.
    pub(super) command: String,
    /// What was being looked at, in the words of whoever ran it.
    pub(super) note: String,
    /// How many times the usual demo data there were.
    #[serde(default = "usual")]
    pub(super) scale: u32,
    pub(super) cases: Vec<Measured>,
}

fn usual() -> u32 {
    1
}

/// A case and its figures.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Measured {
    pub(super) name: String,
    pub(super) function: String,
    #[serde(flatten)]
    pub(super) figures: Figures,
}

/// What one case costs. Times of the crowd and of starts depend on what else the machine does; instructions and counts
/// do not.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Figures {
    /// From the start of the process to its first answer, connections included; median.
    pub(super) start_ms: f64,
    /// One environment, one request after the other.
    pub(super) alone: Latency,
    /// Eight environments, eight callers.
    pub(super) crowd: Latency,
    pub(super) crowd_per_second: f64,
    /// Processor time of the function for one request.
    pub(super) cpu_us: f64,
    /// Processor time of the dispatcher (the Runtime API and the caller) for the same request.
    pub(super) dispatcher_us: f64,
    /// Instructions of one request, as valgrind counts them; zero where it was not asked.
    pub(super) instructions: f64,
    pub(super) resident_kb: u64,
    pub(super) proportional_kb: u64,
    pub(super) peak_kb: u64,
    pub(super) redis_commands: f64,
    pub(super) redis_round_trips: f64,
    pub(super) statements: f64,
    pub(super) provider_calls: f64,
    /// What template.yaml gives the function.
    pub(super) memory_mb: u32,
    pub(super) program_bytes: u64,
    pub(super) zip_bytes: u64,
}

/// Times from the invocation to its answer.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Latency {
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
}

impl Report {
    /// The figures of a case.
    pub(super) fn case(&self, name: &str) -> Option<&Figures> {
        self.cases.iter().find(|case| case.name == name).map(|case| &case.figures)
    }

    /// Writes it where `name` says.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// The run with the usual demo data that was stored last: a run with more of them is compared with it too, which shows
    /// how cost grows. File names begin with the date, so they sort by it.
    pub(super) fn previous(folder: &Path) -> Result<Option<Self>> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let stored = entries.map(|entry| entry.path());
        let stored = stored.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
        let mut stored: Vec<_> = stored.collect();
        stored.sort();
        for path in stored.iter().rev() {
            let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            let report: Self =
                serde_json::from_slice(&text).with_context(|| format!("{} is no report", path.display()))?;
            if report.scale == usual() {
                return Ok(Some(report));
            }
        }
        Ok(None)
    }
}

/// Where runs are stored in the repository.
pub(super) fn folder(root: &Path) -> PathBuf {
    root.join("docs/benchmarks")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_previous_run_is_the_one_with_the_latest_name_that_had_the_usual_data() -> Result<()> {
        let scratch = crate::scratch()?;
        let folder = scratch.path();
        assert!(Report::previous(folder)?.is_none());
        let report = |note: &str, scale| Report {
            date: "2026-11-24".to_owned(),
            machine: String::new(),
            command: String::new(),
            note: note.to_owned(),
            scale,
            cases: vec![Measured {
                name: "order".to_owned(),
                function: "get-order".to_owned(),
                figures: Figures { cpu_us: 12.5, ..Figures::default() },
            }],
        };
        report("second", 1).write(&folder.join("2026-11-24-b.json"))?;
        report("ten times", 10).write(&folder.join("2026-11-24-c.json"))?;
        report("first", 1).write(&folder.join("2026-11-24-a.json"))?;
        fs::write(folder.join("2026-11-25.html"), "no report")?;
        let previous = Report::previous(folder)?.context("a report")?;
        assert_eq!(previous.note, "second");
        assert!(previous.case("order").is_some_and(|figures| (figures.cpu_us - 12.5).abs() < 1e-9));
        Ok(())
    }
}
