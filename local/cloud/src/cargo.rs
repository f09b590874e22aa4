//! Cargo: how far a build is, what it waits for, each program as soon as it is there, and why one does not compile.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Command;
use tokio::try_join;

use crate::process::{Identity, Program, own_path};
use crate::progress::{Part, step};

/// How many lines of a compiler's complaint are shown; the log has all of them.
const SHOWN: usize = 60;

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
    step(&part, run(arguments, log, |far| part.is_at(far), |_| Ok(()))).await
}

/// Runs cargo. Tells `far` how far it is, in words, and `built` of each program as soon as it is there, also of those
/// that needed no compiling.
pub(crate) async fn run(
    arguments: &[&str],
    log: &File,
    far: impl Fn(String),
    built: impl FnMut(&Path) -> Result<()>,
) -> Result<()> {
    let arguments = arguments.iter().copied().chain(["--message-format", "json-render-diagnostics"]);
    let mut cargo = Command::from(Program::new("cargo", arguments).command(own_path()?));
    cargo.stdout(Stdio::piped()).stderr(Stdio::piped());
    // Its bar, also where there is no terminal: it knows how much there is to do, and nothing else tells.
    cargo.envs([("CARGO_TERM_PROGRESS_WHEN", "always"), ("CARGO_TERM_PROGRESS_WIDTH", "80")]);
    let mut cargo = cargo.kill_on_drop(true).spawn().context("cannot run cargo")?;
    let _compiling = cargo.id().and_then(Identity::of).map(Compiling);
    let messages = cargo.stdout.take().context("cargo says nothing")?;
    let words = cargo.stderr.take().context("cargo says nothing")?;
    let ((), complaint) = try_join!(read_messages(messages, built), read_words(words, log, far))?;
    ensure!(cargo.wait().await?.success(), "it does not compile:\n{complaint}");
    Ok(())
}

/// Cargo and its compilers, which would go on without it: killed together when nobody waits for them any more.
struct Compiling(Identity);

impl Drop for Compiling {
    fn drop(&mut self) {
        self.0.kill_family();
    }
}

/// A message of cargo's, as far as it is looked at.
#[derive(Deserialize)]
struct Message {
    /// The program that has been built, if it was one.
    #[serde(default)]
    executable: Option<PathBuf>,
}

async fn read_messages(
    messages: impl AsyncRead + Unpin,
    mut built: impl FnMut(&Path) -> Result<()>,
) -> Result<()> {
    let mut lines = BufReader::new(messages).lines();
    while let Some(line) = lines.next_line().await? {
        let message: Message = serde_json::from_str(&line).context("cargo's message cannot be read")?;
        message.executable.as_deref().map_or(Ok(()), &mut built)?;
    }
    Ok(())
}

/// Puts what cargo says into the log, and returns the end of it from the first error on.
async fn read_words(words: impl AsyncRead + Unpin, mut log: &File, far: impl Fn(String)) -> Result<String> {
    let (mut words, mut complaint) = (BufReader::new(words).split(b'\r'), Vec::new());
    while let Some(text) = words.next_segment().await? {
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let line = line.strip_prefix(b"\x1b[K").unwrap_or(line);
            let words = String::from_utf8_lossy(line);
            if let Some((done, all)) = done_of_all(&words) {
                far(format!("{done} of {all}"));
                continue;
            }
            if let Some(lock) = words.trim().strip_prefix("Blocking waiting for ") {
                far(format!("waiting for cargo's {lock}, which another cargo holds"));
            }
            log.write_all(line)?;
            if words.starts_with("error") || !complaint.is_empty() {
                complaint.push(words.into_owned());
            }
        }
    }
    complaint.truncate(SHOWN);
    Ok(complaint.concat())
}

/// `    Building [====>     ] 12/30: shared` → 12, 30.
fn done_of_all(line: &str) -> Option<(u32, u32)> {
    let (_, bar) = line.split_once("Building [")?;
    let (done, all) = bar.split_once("] ")?.1.split(':').next()?.split_once('/')?;
    Some((done.trim().parse().ok()?, all.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    const SAID: &str = "    Blocking waiting for file lock on build directory\n\
        \u{1b}[K    Building [=======>            ] 123/330: shared, get-product(bin)\r\u{1b}[K   \
        Compiling shared v0.1.0 (/shared)\nerror: expected one of `[` or `]`, found 1/2\n --> main.rs\n";

    #[tokio::test]
    async fn it_tells_how_far_it_is_what_it_waits_for_and_what_does_not_compile() -> Result<()> {
        let log = tempfile::NamedTempFile::new()?;
        let far = RefCell::new(Vec::new());
        let complaint = read_words(SAID.as_bytes(), log.as_file(), |words| far.borrow_mut().push(words));
        assert_eq!(complaint.await?, "error: expected one of `[` or `]`, found 1/2\n --> main.rs\n");
        let lock = "waiting for cargo's file lock on build directory, which another cargo holds";
        assert_eq!(far.into_inner(), [lock, "123 of 330"]);
        let logged = std::fs::read_to_string(log.path())?;
        assert!(logged.contains("Compiling shared") && !logged.contains("Building ["), "{logged}");
        Ok(())
    }

    #[tokio::test]
    async fn it_names_each_program_and_passes_over_other_messages() -> Result<()> {
        let messages = "{\"reason\":\"compiler-artifact\",\"executable\":null}\n\
            {\"reason\":\"compiler-artifact\",\"executable\":\"/target/debug/checkout\"}\n\
            {\"reason\":\"build-finished\",\"success\":true}\n";
        let mut built = Vec::new();
        let read = read_messages(messages.as_bytes(), |program| {
            built.push(program.to_owned());
            Ok(())
        });
        read.await?;
        assert_eq!(built, [Path::new("/target/debug/checkout")]);
        Ok(())
    }
}
