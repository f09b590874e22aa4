//! What a fleet runs, and within which limits.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::cloud::Cloud;
use crate::key_value;
use crate::services::Service;

/// A fleet's functions.
pub(crate) struct Settings {
    /// By name.
    pub(crate) functions: BTreeMap<String, FunctionSettings>,
    /// What every function finds in its environment.
    pub(crate) environment: Vec<(String, String)>,
}

/// One function.
pub(crate) struct FunctionSettings {
    /// The program and its arguments; a benchmark puts `valgrind` before it.
    pub(crate) command: Vec<String>,
    /// An invocation that takes longer is killed with its environment.
    pub(crate) time_limit: Duration,
    /// What the function is told it has. Nothing enforces it here.
    pub(crate) memory_mb: u32,
    /// Environments at a time, at most. Lambda's reserved concurrency, but invocations above it wait.
    pub(crate) environments: usize,
    /// What it writes is appended here; functions may share a file.
    pub(crate) log: PathBuf,
}

impl Settings {
    /// The functions of a cloud, from a build of them: `debug` or `release`.
    pub(crate) fn of_cloud(cloud: &Cloud, profile: &str) -> Result<Self> {
        let binaries = binaries(&cloud.folder.root, profile);
        let environments = environments()?;
        // The template also names functions that are not written yet.
        let built =
            cloud.template.functions.iter().filter(|function| binaries.join(&function.name).is_file());
        let functions = built.map(|function| {
            let settings = FunctionSettings {
                command: vec![binaries.join(&function.name).display().to_string()],
                time_limit: function.time_limit,
                memory_mb: function.memory_mb,
                environments,
                log: cloud.folder.log(Service::Functions.name()),
            };
            (function.name.clone(), settings)
        });
        Ok(Self {
            functions: functions.collect(),
            environment: key_value::read(&cloud.folder.env())?.into_iter().collect(),
        })
    }
}

/// How many environments a function may have. They are cheap here: each starts in milliseconds, and only when needed.
fn environments() -> Result<usize> {
    let Ok(number) = std::env::var("MILLRACE_CONCURRENCY") else { return Ok(10) };
    number.parse().with_context(|| format!("MILLRACE_CONCURRENCY is {number:?}, which is no number"))
}

/// The folder of a build's programs.
pub(crate) fn binaries(root: &Path, profile: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    root.join(target).join(profile)
}
