//! A cloud that a command starts for itself, in a folder of its own, so that it disturbs none that is running and finds
//! the demo data untouched.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use nix::sys::signal::Signal;
use tokio::process::Command;

use crate::cargo::build_for_release;
use crate::cloud::Cloud;
use crate::ending::told_to_end;
use crate::folder::Folder;
use crate::log::open_log;
use crate::process::{Identity, own_path};
use crate::wishes::{NO_CONSOLE, NO_RELOAD, PROFILE, SCALE};

/// A command that does not end by itself within this time is killed. `./dev chaos` gives each of five servers five
/// seconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// See the module.
pub struct OwnCloud {
    name: &'static str,
    folder: Folder,
    /// What it is started with.
    settings: Vec<(&'static str, String)>,
    /// This program, as it was named at first. A build may replace the file meanwhile, and then the system names it
    /// "… (deleted)": who asked only at the end could not stop the cloud.
    program: PathBuf,
    /// The command that runs for it now.
    running: Mutex<Option<Identity>>,
}

impl OwnCloud {
    /// The cloud in the folder of this name, whose functions are not rebuilt, and which nobody watches. Nothing is
    /// started.
    pub fn new(folder: &Folder, name: &'static str, settings: &[(&'static str, &str)]) -> Result<Self> {
        let program = own_path()?.to_owned();
        let settings = settings.iter().chain(&[(NO_RELOAD, "1"), (NO_CONSOLE, "1")]);
        let settings = settings.map(|(name, value)| (*name, (*value).to_owned())).collect();
        let folder = Folder::named(&folder.root, name)?;
        Ok(Self { name, folder, settings, program, running: Mutex::default() })
    }

    /// One that serves the release build, with demo data of this scale.
    pub fn of_release(folder: &Folder, name: &'static str, scale: u32) -> Result<Self> {
        Self::new(folder, name, &[(PROFILE, "release"), (SCALE, &scale.to_string())])
    }

    /// The same with its console, for those who test that.
    #[must_use]
    pub fn watched(mut self) -> Self {
        self.settings.retain(|(name, _)| *name != NO_CONSOLE);
        self
    }

    /// Where it lives.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// What is known about it, once it is up.
    pub fn open(&self) -> Result<Cloud> {
        Cloud::open(self.folder.clone())
    }

    /// A log among those of its services.
    pub fn log(&self, name: &str) -> PathBuf {
        self.folder.log(name)
    }

    /// Builds these packages, one by one as they are deployed.
    pub async fn build(&self, packages: &[&str]) -> Result<()> {
        build_for_release(packages, &open_log(&self.log("build"))?).await
    }

    /// Runs `./dev` with these arguments for this cloud. It says itself how far it is.
    pub async fn dev(&self, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .env("MILLRACE_DEV_DIR", self.name)
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.folder.root)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let status = self.wait_for(&mut command).await.context("cannot run this program again")?;
        ensure!(status.success(), "the cloud in {}: {} failed", self.name, arguments.join(" "));
        Ok(())
    }

    /// Starts it as it is at first, whatever was done in it before.
    pub async fn start_afresh(&self) -> Result<()> {
        self.dev(&["reset"]).await?;
        self.dev(&["up", "--detach"]).await
    }

    /// Runs a command to its end. It has a process group of its own: Ctrl-C in the terminal reaches this program alone,
    /// which ends the command once and waits for it. Many take a second signal for impatience, and leave at once.
    pub async fn wait_for(&self, command: &mut Command) -> Result<ExitStatus> {
        let mut child = command.process_group(0).spawn()?;
        self.note_running(child.id().and_then(Identity::of));
        let status = child.wait().await?;
        self.note_running(None);
        Ok(status)
    }

    /// Ends the command that nobody waits for any more, if there is one: it is asked first, so that it can end what it
    /// has started itself.
    pub async fn end_command(&self) -> Result<()> {
        match self.note_running(None) {
            Some(command) => command.end(Signal::SIGTERM, PATIENCE).await.map(drop),
            None => Ok(()),
        }
    }

    /// Works in the cloud until the work is done or somebody ends it: by Ctrl-C, by SIGTERM, by closing the terminal.
    /// Whatever ended it, the cloud is taken down.
    pub async fn at_work<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.until(told_to_end()?, work).await
    }

    async fn until<T>(
        &self,
        told: impl Future<Output = &'static str>,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let outcome = tokio::select! {
            outcome = work => outcome,
            why = told => Err(anyhow!(why)),
        };
        let ended = self.end_command().await;
        let down = self.dev(&["down"]).await;
        let outcome = outcome?;
        ended.and(down)?;
        Ok(outcome)
    }

    fn note_running(&self, command: Option<Identity>) -> Option<Identity> {
        std::mem::replace(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner), command)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::future::pending;

    use super::*;

    /// A program that says in `told` what it was asked to do. `sh up` runs the script `up`, which ends only when it is
    /// asked to, and then says so.
    fn cloud(root: &tempfile::TempDir) -> Result<OwnCloud> {
        let wait =
            "trap 'echo up has ended >>told; exit 1' TERM; echo up >>told; while :; do sleep 0.05; done";
        fs::write(root.path().join("up"), wait)?;
        fs::write(root.path().join("down"), "echo down >>told")?;
        let folder = Folder::at(root.path(), root.path(), "./dev")?;
        Ok(OwnCloud { program: "sh".into(), ..OwnCloud::new(&folder, "cloud", &[])? })
    }

    fn told(root: &tempfile::TempDir) -> String {
        fs::read_to_string(root.path().join("told")).unwrap_or_default()
    }

    #[tokio::test]
    async fn a_cloud_is_taken_down_whose_work_is_done_and_whose_work_has_failed() -> Result<()> {
        let root = tempfile::tempdir()?;
        let own = cloud(&root)?;
        assert_eq!(own.at_work(async { Ok(7) }).await?, 7);
        assert_eq!(told(&root), "down\n");
        let failed = own.at_work(async { Err::<(), _>(anyhow!("no such function")) }).await;
        assert_eq!(failed.err().map(|error| error.to_string()).as_deref(), Some("no such function"));
        assert_eq!(told(&root), "down\ndown\n");
        Ok(())
    }

    #[tokio::test]
    async fn a_command_ends_by_itself_before_the_cloud_of_who_was_interrupted_is_taken_down() -> Result<()> {
        let root = tempfile::tempdir()?;
        let own = cloud(&root)?;
        let interrupted = async {
            while told(&root) != "up\n" {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            "interrupted"
        };
        let outcome = own.until(interrupted, own.dev(&["up"])).await;
        assert_eq!(outcome.err().map(|error| error.to_string()).as_deref(), Some("interrupted"));
        assert_eq!(told(&root), "up\nup has ended\ndown\n");
        Ok(())
    }

    #[tokio::test]
    async fn somebody_who_ends_this_program_ends_the_work_and_the_cloud() -> Result<()> {
        let root = tempfile::tempdir()?;
        let own = cloud(&root)?;
        let work = async {
            Identity::own()?.signal(Signal::SIGTERM);
            pending::<Result<()>>().await
        };
        let outcome = own.at_work(work).await;
        assert_eq!(outcome.err().map(|error| error.to_string()).as_deref(), Some("terminated"));
        assert_eq!(told(&root), "down\n");
        Ok(())
    }
}
