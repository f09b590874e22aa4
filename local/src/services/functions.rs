//! The functions, served by `cargo lambda watch`.

use std::process::Stdio;

use anyhow::{Result, ensure};

use super::Service;
use crate::cloud::Cloud;
use crate::process::{Program, open_log};
use crate::progress::step;

/// How long a request waits for its function. A function that dies while it starts would hang requests for ever.
const TIMEOUT_SECONDS: &str = "30";

/// Builds all functions at once. Left to itself, watch compiles each on its first request, one after the other.
pub(super) async fn prepare(cloud: &Cloud) -> Result<()> {
    let log = open_log(&cloud.folder.log("functions"))?;
    let mut cargo = tokio::process::Command::new("cargo");
    cargo
        .args(["build", "--bins"])
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(true);
    step("Building the functions", async {
        let status = cargo.status().await?;
        ensure!(status.success(), "the functions do not compile: {} logs functions", cloud.folder.dev);
        Ok(())
    })
    .await
}

pub(super) fn program(cloud: &Cloud) -> Result<Program> {
    let (port, env) = (cloud.port(Service::Functions)?.to_string(), cloud.folder.env().display().to_string());
    let mut program = Program::new(
        "cargo-lambda",
        ["lambda", "watch", "--invoke-address", "127.0.0.1", "--invoke-port", &port, "--env-file", &env],
    );
    program
        .arguments
        .extend(["--timeout", TIMEOUT_SECONDS, "--concurrency", &concurrency()].map(str::to_owned));
    if std::env::var_os("MILLRACE_NO_RELOAD").is_some() {
        program.arguments.push("--ignore-changes".to_owned());
    }
    Ok(program)
}

/// Environments of each function at most.
fn concurrency() -> String {
    std::env::var("MILLRACE_CONCURRENCY").unwrap_or_else(|_| "4".to_owned())
}
