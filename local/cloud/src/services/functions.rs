//! The functions, served by `cargo lambda watch`; or from a finished build by our own Runtime API, which is faster and
//! kinder to processes, and rebuilds nothing.

use std::fs::File;
use std::io::Write;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::cloud::Cloud;
use crate::log::open_log;
use crate::process::{Identity, Program, own_path};
use crate::progress::{Part, step};
use crate::service::Service;

/// Environments of each function. Two show what one hides (state that is not shared, requests that overtake each
/// other); each more makes a function's first request a second slower, because watch starts all of them by `cargo run`.
const WATCHED: usize = 2;

/// Builds all functions at once. Left to itself, watch compiles each on its first request, one after the other.
pub(super) async fn prepare(cloud: &Cloud) -> Result<()> {
    let log = open_log(&cloud.folder.log("functions"))?;
    match cloud.wishes.profile.as_deref() {
        // Somebody else sees to the build, as `./dev bench` does.
        Some(_) if cloud.wishes.no_reload => Ok(()),
        Some("release") => {
            let functions: Vec<_> =
                cloud.written_functions().map(|function| function.name.as_str()).collect();
            build_for_release(&functions, &log).await
        }
        _ => build("Building the functions", &["build", "--bins"], &log).await,
    }
}

/// Builds packages one by one, as they are deployed: built together, each would get what any of them needs of `shared`
/// and of other crates.
pub async fn build_for_release(packages: &[&str], log: &File) -> Result<()> {
    for package in packages {
        let label = format!("Building {package} for release");
        build(&label, &["build", "--release", "--package", package], log).await?;
    }
    Ok(())
}

/// Runs cargo, and says how far it is.
pub async fn build(label: &str, arguments: &[&str], log: &File) -> Result<()> {
    let part = Part::new(label);
    step(&part, cargo(arguments, log, &part)).await
}

/// Cargo and its compilers, which would go on without it: killed together when nobody waits for them any more.
struct Compiling(Identity);

impl Drop for Compiling {
    fn drop(&mut self) {
        self.0.kill_family();
    }
}

async fn cargo(arguments: &[&str], mut log: &File, part: &Part<'_>) -> Result<()> {
    let mut cargo = Command::from(Program::new("cargo", arguments.iter().copied()).command(own_path()?));
    cargo.stdout(log.try_clone()?).stderr(Stdio::piped());
    // Its bar, also where there is no terminal: it knows how much there is to do, and nothing else tells.
    cargo.envs([("CARGO_TERM_PROGRESS_WHEN", "always"), ("CARGO_TERM_PROGRESS_WIDTH", "80")]);
    let mut cargo = cargo.kill_on_drop(true).spawn().context("cannot run cargo")?;
    let _compiling = cargo.id().and_then(Identity::of).map(Compiling);
    let mut said = BufReader::new(cargo.stderr.take().context("cargo says nothing")?).split(b'\r');
    while let Some(text) = said.next_segment().await? {
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let line = line.strip_prefix(b"\x1b[K").unwrap_or(line);
            match done_of_all(&String::from_utf8_lossy(line)) {
                Some((done, all)) => part.set(done, all),
                None => log.write_all(line)?,
            }
        }
    }
    ensure!(cargo.wait().await?.success(), "it does not compile: cargo {}", arguments.join(" "));
    Ok(())
}

/// `    Building [====>     ] 12/30: shared` → 12, 30.
fn done_of_all(line: &str) -> Option<(u32, u32)> {
    let (_, bar) = line.split_once("Building [")?;
    let (done, all) = bar.split_once("] ")?.1.split(':').next()?.split_once('/')?;
    Some((done.trim().parse().ok()?, all.trim().parse().ok()?))
}

pub(super) fn program(cloud: &Cloud) -> Result<Program> {
    match &cloud.wishes.profile {
        Some(profile) => Ok(Program::new(&cloud.launcher, ["serve", profile])),
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
    let environments = cloud.wishes.environments.unwrap_or(WATCHED).to_string();
    program.arguments.extend(["--concurrency".to_owned(), environments]);
    if cloud.wishes.no_reload {
        program.arguments.push("--ignore-changes".to_owned());
    }
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargos_bar_says_how_far_it_is() {
        let bar = "\u{1b}[K    Building [=======>            ] 123/330: shared, get-product(bin)";
        assert_eq!(done_of_all(bar), Some((123, 330)));
        assert_eq!(done_of_all("   Compiling shared v0.1.0 (/shared)\n"), None);
        assert_eq!(done_of_all("error: expected one of `[` or `]`, found 1/2\n"), None);
    }
}
