//! Processes that outlive a command: how they are started, recognised later, and ended with all their children.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Gid, Pid, Uid, setgid, setgroups, setsid, setuid};
use serde::{Deserialize, Serialize};
use sysinfo::{ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System};

use crate::account::Account;
use crate::log::open_log;

/// A program to start.
pub struct Program {
    /// A name on the PATH, or a path.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Whom it runs as, when not as ourselves.
    pub account: Option<Account>,
    /// Settings that do not belong on a command line, which everybody can read.
    pub environment: Vec<(&'static str, String)>,
}

impl Program {
    /// A program that runs as ourselves.
    pub fn new<A: Into<String>>(path: impl Into<PathBuf>, arguments: impl IntoIterator<Item = A>) -> Self {
        let arguments = arguments.into_iter().map(Into::into).collect();
        Self { path: path.into(), arguments, account: None, environment: Vec::new() }
    }

    /// The command that starts it in a session of its own, by way of [`launch`].
    pub fn command(&self, launcher: &Path) -> std::process::Command {
        let mut command = std::process::Command::new(launcher);
        command.arg("launch");
        if let Some(account) = &self.account {
            command.args(["--uid", &account.uid.to_string(), "--gid", &account.gid.to_string()]);
        }
        command.arg("--").arg(&self.path).args(&self.arguments).stdin(Stdio::null());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The same, with everything it says going to a log.
    pub fn logged(&self, launcher: &Path, log: &Path) -> Result<std::process::Command> {
        let log = open_log(log)?;
        let mut command = self.command(launcher);
        command.stdout(log.try_clone()?).stderr(log);
        Ok(command)
    }
}

/// Becomes another program: leader of a new session (so that Ctrl-C in the terminal reaches the supervisor alone, and
/// every descendant can be found later), and as another user where asked. A program of its own instead of a hook in
/// the child, because such a hook would be unsafe code. Returns only when it failed.
pub fn launch(uid: Option<u32>, gid: Option<u32>, program: &[String]) -> Result<()> {
    setsid().context("cannot start a session")?;
    if let (Some(uid), Some(gid)) = (uid, gid) {
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
        setgroups(&[gid])
            .and_then(|()| setgid(gid))
            .and_then(|()| setuid(uid))
            .context("cannot change the user")?;
    }
    let (path, arguments) = program.split_first().context("no program was named")?;
    let failure = std::process::Command::new(path).args(arguments).exec();
    Err(failure).with_context(|| format!("cannot run {path}"))
}

/// This program's own path, as it was when it was first asked for: a rebuild replaces the file, and the system then
/// knows the path of the old one only as deleted.
pub fn own_path() -> Result<&'static Path> {
    static OWN: OnceLock<PathBuf> = OnceLock::new();
    if let Some(path) = OWN.get() {
        return Ok(path);
    }
    let path = std::env::current_exe().context("cannot find this program's own path")?;
    Ok(OWN.get_or_init(|| path))
}

/// A process, recognisable after its pid has been given to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pid: i32,
    /// Seconds since 1970.
    started: u64,
}

impl Identity {
    /// The process that has this pid now.
    pub fn of(pid: u32) -> Option<Self> {
        let pid = i32::try_from(pid).ok()?;
        let system = process_alone(pid);
        let process = find(&system, pid)?;
        Some(Self { pid, started: process.start_time() })
    }

    /// This process.
    pub fn own() -> Result<Self> {
        Self::of(std::process::id()).context("this process cannot be found in the process table")
    }

    /// The process's number.
    pub fn pid(self) -> i32 {
        self.pid
    }

    /// Whether it still runs.
    pub fn is_alive(self) -> bool {
        self.is_in(&process_alone(self.pid))
    }

    fn is_in(self, system: &System) -> bool {
        find(system, self.pid).is_some_and(|process| {
            // The start time is the boot time plus ticks, and the boot time moves when the clock is corrected.
            process.start_time().abs_diff(self.started) <= 2 && process.status() != ProcessStatus::Zombie
        })
    }

    /// Sends it a signal. A process that is gone already is not an error.
    pub fn signal(self, signal: Signal) {
        if self.is_alive() {
            kill(Pid::from_raw(self.pid), signal).ok();
        }
    }

    /// Sends it and all that came from it a signal.
    pub fn signal_family(self, signal: Signal) {
        signal_all(&self.family(), signal);
    }

    /// Ends it and all that came from it at once. Stopped first, so that it starts nothing meanwhile.
    pub fn kill_family(self) {
        self.signal(Signal::SIGSTOP);
        self.signal_family(Signal::SIGKILL);
    }

    /// Itself and all that came from it: its descendants, and what belongs to its session although its parent died.
    fn family(self) -> Vec<i32> {
        let system = processes();
        if find(&system, self.pid).is_some_and(|process| process.start_time().abs_diff(self.started) > 2) {
            return Vec::new(); // The pid belongs to somebody else now.
        }
        let leader = sysinfo::Pid::from_u32(self.pid.cast_unsigned());
        let ours = system.processes().values().filter(|process| {
            process.status() != ProcessStatus::Zombie
                && process.start_time() + 2 >= self.started
                && (process.pid() == leader
                    || process.session_id() == Some(leader)
                    || descends(&system, process, leader))
        });
        ours.filter_map(|process| i32::try_from(process.pid().as_u32()).ok()).collect()
    }

    /// Ends it and all that came from it: gently first, after `patience` by force. Tells whether force was needed.
    pub async fn end(self, gently: Signal, patience: Duration) -> Result<bool> {
        let mut family = self.family();
        self.signal(gently);
        // A paused process would otherwise sleep through the signal.
        self.signal(Signal::SIGCONT);
        let asked = Instant::now();
        let (mut orphans_told, mut by_force) = (false, false);
        loop {
            family = still_alive(&family, self.family());
            if family.is_empty() {
                return Ok(by_force);
            }
            if !self.is_alive() && !orphans_told {
                orphans_told = true;
                signal_all(&family, Signal::SIGTERM);
            }
            if asked.elapsed() > patience {
                by_force = true;
                signal_all(&family, Signal::SIGKILL);
            }
            ensure!(
                asked.elapsed() < patience + Duration::from_secs(10),
                "{family:?} do not end, not even killed"
            );
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }
}

fn signal_all(pids: &[i32], signal: Signal) {
    for pid in pids {
        kill(Pid::from_raw(*pid), signal).ok(); // It may have ended meanwhile.
    }
}

/// Those seen earlier that still run, and those that have come since. Descendants must be remembered: once their
/// parent is gone, nothing but this list tells whose they were.
fn still_alive(earlier: &[i32], mut now: Vec<i32>) -> Vec<i32> {
    let system = processes();
    now.extend(
        earlier.iter().copied().filter(|pid| {
            find(&system, *pid).is_some_and(|process| process.status() != ProcessStatus::Zombie)
        }),
    );
    now.sort_unstable();
    now.dedup();
    now
}

fn descends(system: &System, process: &sysinfo::Process, ancestor: sysinfo::Pid) -> bool {
    let parent = |process: &&sysinfo::Process| system.process(process.parent()?);
    std::iter::successors(Some(process), parent).skip(1).any(|process| process.pid() == ancestor)
}

fn find(system: &System, pid: i32) -> Option<&sysinfo::Process> {
    system.process(sysinfo::Pid::from_u32(pid.cast_unsigned()))
}

/// The whole process table: some milliseconds of work.
fn processes() -> System {
    read(ProcessesToUpdate::All)
}

/// One entry of it: cheap enough to be looked at again and again.
fn process_alone(pid: i32) -> System {
    read(ProcessesToUpdate::Some(&[sysinfo::Pid::from_u32(pid.cast_unsigned())]))
}

/// It can be read on every system that runs Postgres.
fn read(which: ProcessesToUpdate<'_>) -> System {
    #[expect(
        clippy::expect_used,
        reason = "fails only where sysinfo knows no process table, and then nothing works"
    )]
    let mut system = System::new().expect("the process table can be read");
    system.refresh_processes_specifics(which, true, ProcessRefreshKind::nothing().without_tasks());
    system
}
