//! A cloud that a command starts for itself, in a folder of its own, so that it disturbs none that is running and finds
//! the demo data untouched.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use crate::cargo::build_for_release;
use crate::cloud::Cloud;
use crate::folder::Folder;
use crate::log::open_log;
use crate::process::own_path;
use crate::wishes::{NO_CONSOLE, NO_RELOAD, PROFILE, SCALE};

/// See the module.
pub struct OwnCloud {
    name: &'static str,
    folder: Folder,
    /// What it is started with.
    settings: Vec<(&'static str, String)>,
    /// This program, as it was named at first. A build may replace the file meanwhile, and then the system names it
    /// "… (deleted)": who asked only at the end could not stop the cloud.
    program: PathBuf,
}

impl OwnCloud {
    /// The cloud in the folder of this name, whose functions are not rebuilt, and which nobody watches. Nothing is
    /// started.
    pub fn new(folder: &Folder, name: &'static str, settings: &[(&'static str, &str)]) -> Result<Self> {
        let program = own_path()?.to_owned();
        let settings = settings.iter().chain(&[(NO_RELOAD, "1"), (NO_CONSOLE, "1")]);
        let settings = settings.map(|(name, value)| (*name, (*value).to_owned())).collect();
        Ok(Self { name, folder: Folder::named(&folder.root, name)?, settings, program })
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
        let status = command.status().await.context("cannot run this program again")?;
        ensure!(status.success(), "the cloud in {}: {} failed", self.name, arguments.join(" "));
        Ok(())
    }
}
