//! The functions, served by `cargo lambda watch`; or from a finished build by our own Runtime API, which is faster and
//! kinder to processes, and rebuilds nothing.

use std::fs::File;
use std::process::Stdio;

use anyhow::{Result, ensure};

use crate::cloud::Cloud;
use crate::log::open_log;
use crate::process::Program;
use crate::progress::step;
use crate::service::Service;

/// Builds all functions at once. Left to itself, watch compiles each on its first request, one after the other.
pub(super) async fn prepare(cloud: &Cloud) -> Result<()> {
    let log = open_log(&cloud.folder.log("functions"))?;
    match profile().as_deref() {
        // Somebody else sees to the build, as `./dev bench` does.
        Some(_) if std::env::var_os("MILLRACE_NO_RELOAD").is_some() => Ok(()),
        Some("release") => {
            let functions: Vec<_> =
                cloud.written_functions().map(|function| function.name.as_str()).collect();
            build_for_release(&functions, &log).await
        }
        _ => step("Building the functions", cargo(&["build", "--bins"], &log)).await,
    }
}

/// Builds packages one by one, as they are deployed: built together, each would get what any of them needs of `shared`
/// and of other crates.
pub async fn build_for_release(packages: &[&str], log: &File) -> Result<()> {
    for package in packages {
        let label = format_args!("Building {package} for release");
        step(label, cargo(&["build", "--release", "--package", package], log)).await?;
    }
    Ok(())
}

async fn cargo(arguments: &[&str], log: &File) -> Result<()> {
    let mut cargo = tokio::process::Command::new("cargo");
    cargo.args(arguments).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log.try_clone()?);
    let status = cargo.kill_on_drop(true).status().await?;
    ensure!(status.success(), "it does not compile: cargo {}", arguments.join(" "));
    Ok(())
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
