//! The same endpoints in Node.js (`local/measure/node`), measured beside ours by `./dev bench --node`, and under
//! load by `./dev load --node`.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use tokio::process::Command;

use cloud::log::open_log;
use cloud::progress::step;
use cloud::service::on_path;

/// The oldest that the functions' libraries take.
const OLDEST: u32 = 20;

/// Node.js, and the functions as bundles.
pub(crate) struct Node {
    program: PathBuf,
    sources: PathBuf,
    bundles: PathBuf,
    /// Such as `v22.11.0`.
    pub(crate) version: String,
}

impl Node {
    /// Finds Node.js, and installs and bundles the functions of this repository where `build` says so.
    pub(crate) async fn prepare(root: &Path, log: &Path, build: bool) -> Result<Self> {
        let program = on_path("node").with_context(missing)?;
        on_path("npm").with_context(missing)?;
        let version = Command::new(&program).arg("--version").output().await?;
        let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
        if major(&version).is_none_or(|major| major < OLDEST) {
            bail!("this Node.js is {version:?}; {}", missing());
        }
        let source = root.join("local/measure/node");
        if build {
            npm(&["ci"], &source, log).await?;
            npm(&["run", "build"], &source, log).await?;
        }
        Ok(Self { program, sources: source.join("functions"), bundles: source.join("dist"), version })
    }

    /// Whether a function has a twin that is not built.
    pub(crate) fn lacks(&self, function: &str) -> bool {
        self.sources.join(function).with_extension("mjs").is_file() && !self.bundle(function).is_file()
    }

    fn bundle(&self, function: &str) -> PathBuf {
        self.bundles.join(function).with_extension("cjs")
    }

    /// What starts the twin of a function, with the memory limits that Lambda's own runtime sets; `None` if it has
    /// none.
    pub(crate) fn command(&self, function: &str, memory_mb: u32) -> Option<Vec<String>> {
        let bundle = self.bundle(function);
        let young = memory_mb / 10;
        bundle.is_file().then(|| {
            vec![
                self.program.display().to_string(),
                format!("--max-semi-space-size={}", young / 2),
                format!("--max-old-space-size={}", memory_mb - young),
                bundle.display().to_string(),
            ]
        })
    }
}

async fn npm(arguments: &[&str], folder: &Path, log: &Path) -> Result<()> {
    let output = open_log(log)?;
    let mut npm = Command::new("npm");
    npm.args(arguments).current_dir(folder).stdin(Stdio::null());
    npm.stdout(output.try_clone()?).stderr(output).kill_on_drop(true);
    step(format_args!("Functions in Node.js: npm {}", arguments.join(" ")), async {
        ensure!(npm.status().await?.success(), "npm failed; {} says why", log.display());
        Ok(())
    })
    .await
}

fn missing() -> String {
    format!(
        "--node needs Node.js {OLDEST} or later with npm on the PATH: install them, or leave --node out and \
         measure ours alone"
    )
}

fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod statements;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_which_node_it_found() {
        assert_eq!(major("v20.20.2"), Some(20));
        assert_eq!(major("v24.1.0-nightly"), Some(24));
        for unknown in ["", "20.1.0", "version 20"] {
            assert_eq!(major(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn a_twin_starts_with_lambdas_memory_limits_and_only_where_there_is_one() -> Result<()> {
        let scratch = tempfile::tempdir()?;
        let folder = scratch.path().to_owned();
        for file in ["get-order.mjs", "get-order.cjs", "login.mjs"] {
            std::fs::write(folder.join(file), "")?;
        }
        let (sources, bundles) = (folder.clone(), folder);
        let node = Node { program: "/bin/node".into(), sources, bundles, version: String::new() };
        let command = node.command("get-order", 512).context("a twin")?;
        assert_eq!(command[..3], ["/bin/node", "--max-semi-space-size=25", "--max-old-space-size=461"]);
        assert_eq!(node.command("charge-worker", 512), None);
        let lacks = ["get-order", "login", "charge-worker"].map(|function| node.lacks(function));
        assert_eq!(lacks, [false, true, false], "only what has a twin can lack it");
        Ok(())
    }
}
