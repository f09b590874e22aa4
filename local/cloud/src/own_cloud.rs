//! A cloud that a command starts for itself, in a folder of its own, so that it disturbs none that is running and finds
//! the demo data untouched. It serves the release build.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use crate::cloud::Cloud;
use crate::demo;
use crate::folder::Folder;
use crate::log::open_log;
use crate::services::build_for_release;

/// See the module.
pub struct OwnCloud {
    name: &'static str,
    scale: u32,
    folder: Folder,
}

impl OwnCloud {
    /// The cloud in the folder of this name, with demo data of this scale. Nothing is started.
    pub fn new(folder: &Folder, name: &'static str, scale: u32) -> Result<Self> {
        let dev = format!("MILLRACE_DEV_DIR={name} ./dev");
        Ok(Self { name, scale, folder: Folder::at(&folder.root, &folder.root.join(name), &dev)? })
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
        let program = std::env::current_exe().context("cannot find this program's own path")?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .envs([
                ("MILLRACE_DEV_DIR", self.name),
                ("MILLRACE_PROFILE", "release"),
                ("MILLRACE_NO_RELOAD", "1"),
            ])
            .env(demo::SCALE, self.scale.to_string())
            .current_dir(&self.folder.root)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let status = command.status().await.context("cannot run this program again")?;
        ensure!(status.success(), "the cloud in {}: {} failed", self.name, arguments.join(" "));
        Ok(())
    }
}
