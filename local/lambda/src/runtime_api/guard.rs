//! Ends every environment when this process ends, also when it is killed and can do nothing itself.
//!
//! All environments are in the process group of a shell that waits for the end of its input, whose other end is here:
//! the kernel closes it, and the shell kills the group, paused processes included. (A running function notices by
//! itself that its Runtime API is gone; one that is paused or spins does not.)

use std::process::{ExitStatus, Stdio};

use anyhow::{Context, Result};
use tokio::process::{Child, Command};

/// The shell. Its process group lives as long as this does.
pub(super) struct Guard {
    shell: Child,
    group: i32,
}

impl Guard {
    pub(super) fn start() -> Result<Self> {
        let mut shell = Command::new("sh");
        // A group of its own: Ctrl-C in the terminal is for the program that owns the fleet.
        shell.args(["-c", "cat; kill -KILL 0"]).process_group(0).stdin(Stdio::piped()).stdout(Stdio::null());
        let shell = shell.spawn().context("cannot run sh")?;
        let group = shell.id().and_then(|pid| i32::try_from(pid).ok()).context("sh ended at once")?;
        Ok(Self { shell, group })
    }

    /// The process group for environments.
    pub(super) fn group(&self) -> i32 {
        self.group
    }

    /// Kills what is left in the group.
    pub(super) async fn end(&mut self) -> Result<()> {
        drop(self.shell.stdin.take());
        let _: ExitStatus = self.shell.wait().await.context("the guard was lost")?;
        Ok(())
    }
}
