//! The functions, served by `cargo lambda watch`; or from a finished build by our own Runtime API, which is faster and
//! kinder to processes, and rebuilds nothing.

use std::process::Stdio;

use anyhow::{Result, ensure};

use super::Service;
use crate::cloud::Cloud;
use crate::process::{Program, open_log};
use crate::progress::step;

/// Builds all functions at once. Left to itself, watch compiles each on its first request, one after the other.
pub(super) async fn prepare(cloud: &Cloud) -> Result<()> {
    let log = open_log(&cloud.folder.log("functions"))?;
    let mut cargo = tokio::process::Command::new("cargo");
    cargo
        .args(["build", "--bins"])
        .args((profile().as_deref() == Some("release")).then_some("--release"))
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

/// The build that is served as it is (`debug`, `release`), if one is asked for.
pub(super) fn profile() -> Option<String> {
    std::env::var("MILLRACE_PROFILE").ok()
}

pub(super) fn program(cloud: &Cloud) -> Result<Program> {
    match profile() {
        Some(profile) => Ok(Program::new(&cloud.launcher, ["serve", &profile])),
        None => watch(cloud),
    }
}

/// Without `--timeout`: in cargo-lambda 1.9.2 it also cuts off the call in which an idle function waits for its next
/// event, and `lambda_runtime` 1.5 panics on the answer. With `--timeout 30` every function died after 30 idle seconds.
fn watch(cloud: &Cloud) -> Result<Program> {
    let (port, env) = (cloud.port(Service::Functions)?.to_string(), cloud.folder.env().display().to_string());
    let mut program = Program::new(
        "cargo-lambda",
        ["lambda", "watch", "--invoke-address", "127.0.0.1", "--invoke-port", &port, "--env-file", &env],
    );
    program.arguments.extend(["--concurrency".to_owned(), concurrency()]);
    if std::env::var_os("MILLRACE_NO_RELOAD").is_some() {
        program.arguments.push("--ignore-changes".to_owned());
    }
    Ok(program)
}

/// Environments of each function. Two show what one hides (state that is not shared, requests that overtake each
/// other); each more makes a function's first request a second slower, because watch starts all of them by `cargo run`.
fn concurrency() -> String {
    std::env::var("MILLRACE_CONCURRENCY").unwrap_or_else(|_| "2".to_owned())
}
