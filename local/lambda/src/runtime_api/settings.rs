//! What a fleet runs, and within which limits.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

/// A fleet's functions.
pub struct Settings {
    /// By name.
    pub functions: BTreeMap<String, FunctionSettings>,
    /// What every function finds in its environment.
    pub environment: Vec<(String, String)>,
}

/// One function.
pub struct FunctionSettings {
    /// The program and its arguments; a benchmark puts `valgrind` before it.
    pub command: Vec<String>,
    /// Its program, where that is built while the fleet runs: missing, the function is not built yet; replaced, whoever
    /// runs the old one takes no further invocation.
    pub program: Option<PathBuf>,
    /// An invocation that takes longer is killed with its environment, and all that this has under way.
    pub time_limit: Duration,
    /// What the function is told it has. Nothing enforces it here.
    pub memory_mb: u32,
    /// Environments at a time, at most. Lambda's reserved concurrency, but invocations above it wait.
    pub environments: usize,
    /// Invocations that one environment has at a time: 1 on ordinary Lambda, more on Managed Instances.
    pub at_a_time: usize,
    /// What it writes is appended here; functions may share a file.
    pub log: File,
}
