//! What was measured, as it is kept: one JSON file for each run.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::cases::{CASES, PATIENCE, ROUNDS};
use super::pairs::Pair;

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
    /// How long the payment provider took for each call, where it did not answer at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) provider_delay_ms: Option<u64>,
    /// The Node.js that was measured too, such as `v22.11.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) node: Option<String>,
    /// Functions whose twin in Node.js was to be measured, and was not there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) left_out: Vec<String>,
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
    /// Those of the same endpoint in Node.js, measured in the same run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) node: Option<Figures>,
    #[serde(default)]
    pub(super) pairs: Pairs,
}

/// What one request took in each round, processor time or answer, with the same of the round beside it. Empty in runs
/// that did not keep it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Pairs {
    /// One environment, beside the empty handler.
    pub(super) floor: Vec<Pair>,
    /// One environment, beside Node.js.
    pub(super) node: Vec<Pair>,
    /// Eight that are kept busy, beside eight of Node.js.
    pub(super) busy: Vec<Pair>,
    /// The median answer of one environment, beside Node.js.
    pub(super) answer: Vec<Pair>,
}

/// What one case costs. Times of the crowd and of starts depend on what else the machine does; instructions and counts
/// do not.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Figures {
    /// From the start of the process to its first answer, connections included; median.
    pub(super) start_ms: f64,
    /// How many were sent one after the other and timed; zero in runs that did not keep it.
    pub(super) requests: u64,
    /// One environment, one request after the other.
    pub(super) alone: Latency,
    /// Eight environments, eight callers.
    pub(super) crowd: Latency,
    pub(super) crowd_per_second: f64,
    /// Processor time of the function for one request.
    pub(super) cpu_us: f64,
    /// The same while eight environments are kept busy by sixteen callers.
    pub(super) busy_us: f64,
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

    /// The cases that were measured in Node.js too, with Node's figures.
    pub(super) fn beside_node(&self) -> impl Iterator<Item = (&Measured, &Figures)> {
        self.cases.iter().filter_map(|case| Some((case, case.node.as_ref()?)))
    }

    /// Which cases were asked less often than usual, because each request took long.
    pub(super) fn cut_short(&self) -> Option<String> {
        let short = self.cases.iter().filter_map(|case| {
            let usual = CASES.iter().find(|known| known.name == case.name)?.requests * ROUNDS;
            let asked = case.figures.requests;
            (1..usual).contains(&asked).then(|| format!("{} {asked} times instead of {usual}", case.name))
        });
        let short = short.collect::<Vec<_>>().join("; ");
        (!short.is_empty()).then(|| {
            format!("A round ends after {} s, so these were asked less often: {short}.", PATIENCE.as_secs())
        })
    }

    /// Which twins were to be measured and were not.
    pub(super) fn left_out(&self) -> Option<String> {
        (!self.left_out.is_empty()).then(|| {
            format!(
                "Not measured in Node.js: {}. Their bundles are not built, and --no-build builds none; leave it out once.",
                self.left_out.join(", ")
            )
        })
    }

    /// Writes it to this file.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// The run with the usual demo data, and a provider that answers at once, that was stored last: any other run is
    /// compared with it too, which shows how cost grows. File names begin with the date, so they sort by it.
    pub(super) fn previous(folder: &Path) -> Result<Option<Self>> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let stored = entries.map(|entry| entry.path());
        let stored = stored.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
        let mut stored: Vec<_> = stored.collect();
        stored.sort();
        for path in stored.iter().rev() {
            let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            let report: Self = serde_json::from_slice(&text)
                .with_context(|| format!("{} is not a report", path.display()))?;
            if report.scale == usual() && report.provider_delay_ms.is_none() {
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
pub(super) mod tests {
    use super::*;

    /// A report of these cases.
    pub(in super::super) fn report(cases: Vec<Measured>) -> Report {
        Report {
            date: "2026-11-24".to_owned(),
            machine: "2 cores".to_owned(),
            command: "./dev bench".to_owned(),
            note: String::new(),
            scale: 1,
            provider_delay_ms: None,
            node: None,
            left_out: Vec::new(),
            cases,
        }
    }

    /// A case with these figures, and Node's if it was measured too.
    pub(in super::super) fn measured(name: &str, figures: Figures, node: Option<Figures>) -> Measured {
        Measured { name: name.to_owned(), function: "x".to_owned(), figures, node, pairs: Pairs::default() }
    }

    /// Those of a case that took so much processor time.
    pub(in super::super) fn figures(cpu_us: f64) -> Figures {
        Figures { cpu_us, ..Figures::default() }
    }

    #[test]
    fn the_previous_run_is_the_one_with_the_latest_name_that_had_the_usual_data() -> Result<()> {
        let scratch = tempfile::tempdir()?;
        let folder = scratch.path();
        assert!(Report::previous(folder)?.is_none());
        let report = |note: &str, scale| Report {
            note: note.to_owned(),
            scale,
            ..report(vec![measured("order", figures(12.5), None)])
        };
        report("second", 1).write(&folder.join("2026-11-24-b.json"))?;
        report("ten times", 10).write(&folder.join("2026-11-24-c.json"))?;
        let slow = Report { provider_delay_ms: Some(300), ..report("a slow provider", 1) };
        slow.write(&folder.join("2026-11-24-d.json"))?;
        report("first", 1).write(&folder.join("2026-11-24-a.json"))?;
        fs::write(folder.join("2026-11-25.html"), "no report")?;
        let previous = Report::previous(folder)?.context("a report")?;
        assert_eq!(previous.note, "second");
        assert!(previous.case("order").is_some_and(|figures| (figures.cpu_us - 12.5).abs() < 1e-9));
        Ok(())
    }

    #[test]
    fn a_run_that_was_stored_before_node_was_measured_still_loads() -> Result<()> {
        let stored = r#"{"date": "", "machine": "", "command": "", "note": "",
                         "cases": [{"name": "order", "function": "get-order", "cpu_us": 178.0}]}"#;
        let report: Report = serde_json::from_str(stored)?;
        assert!(report.node.is_none() && report.beside_node().next().is_none());
        assert!(report.case("order").is_some_and(|figures| (figures.cpu_us - 178.0).abs() < 1e-9));
        Ok(())
    }

    #[test]
    fn a_case_that_was_asked_less_often_than_usual_is_named() {
        let asked = |requests| Figures { requests, ..Figures::default() };
        let note = |figures| report(vec![measured("search, not cached", figures, None)]).cut_short();
        assert_eq!(note(asked(2_500)), None);
        assert_eq!(note(Figures::default()), None, "a run that did not keep it");
        assert!(
            note(asked(45)).is_some_and(|note| note.contains("search, not cached 45 times instead of 2500"))
        );
    }

    #[test]
    fn nodes_figures_are_kept_with_the_case_that_they_belong_to() -> Result<()> {
        let cases = vec![
            measured("order", figures(178.0), Some(figures(700.0))),
            measured("login", figures(1.0), None),
        ];
        let report: Report = serde_json::from_str(&serde_json::to_string(&report(cases))?)?;
        let beside: Vec<_> = report
            .beside_node()
            .map(|(case, node)| (&case.name[..], node.cpu_us, case.figures.cpu_us))
            .collect();
        assert_eq!(beside, [("order", 700.0, 178.0)]);
        Ok(())
    }
}
