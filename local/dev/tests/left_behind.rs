//! What a supervisor that was killed leaves behind: `down` ends it, and nobody else.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System};
use tempfile::TempDir;

/// A cloud's folder with nothing in it.
fn folder() -> TempDir {
    let folder = tempfile::Builder::new().prefix("millrace-").tempdir().expect("a folder");
    fs::create_dir(folder.path().join("run")).expect("a folder");
    folder
}

fn dev(folder: &Path, arguments: &[&str]) -> Command {
    let mut dev = Command::new(env!("CARGO_BIN_EXE_dev"));
    dev.args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .env("MILLRACE_DEV_DIR", folder);
    dev.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    dev
}

fn processes() -> System {
    let mut system = System::new().expect("a process table");
    system.refresh_processes_specifics(
        ProcessesToUpdate::All,
        true,
        ProcessRefreshKind::nothing().without_tasks(),
    );
    system
}

fn is_alive(system: &System, pid: u32) -> bool {
    system.process(Pid::from_u32(pid)).is_some_and(|process| process.status() != ProcessStatus::Zombie)
}

/// A service as the supervisor starts it, with a child of its own that would survive it. Returns both pids.
fn service(folder: &Path) -> (Child, u32) {
    let pid_file = folder.join("child");
    let script = format!("sleep 600 & echo $! > {}; wait", pid_file.display());
    let service = dev(folder, &["launch", "--", "sh", "-c", &script]).spawn().expect("it starts");
    (service, number_in(&pid_file))
}

/// What a file will hold.
fn number_in(path: &Path) -> u32 {
    let end = Instant::now() + Duration::from_mins(1);
    loop {
        if let Some(number) = fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok()) {
            return number;
        }
        assert!(Instant::now() < end, "the service's child never started");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn record(folder: &Path, pid: u32, started: u64) {
    let record = format!(r#"{{"state":"ready","process":{{"pid":{pid},"started":{started}}},"note":""}}"#);
    fs::write(folder.join("run/redis.json"), record).expect("a record");
}

fn started(pid: u32) -> u64 {
    processes().process(Pid::from_u32(pid)).expect("it runs").start_time()
}

fn down(folder: &Path) {
    assert!(dev(folder, &["down"]).status().expect("it runs").success());
}

#[test]
fn down_ends_a_service_whose_supervisor_was_killed_and_what_it_started() {
    let folder = folder();
    let (mut service, child) = service(folder.path());
    record(folder.path(), service.id(), started(service.id()));
    down(folder.path());
    assert!(!is_alive(&processes(), child), "the service's child survived");
    assert!(!service.wait().expect("it ended").success());
}

#[test]
fn down_finds_what_a_service_started_even_when_the_service_itself_was_killed() {
    let folder = folder();
    let (mut service, child) = service(folder.path());
    record(folder.path(), service.id(), started(service.id()));
    service.kill().expect("it runs");
    service.wait().expect("it ended");
    assert!(is_alive(&processes(), child));
    down(folder.path());
    assert!(!is_alive(&processes(), child), "the orphan survived");
}

#[test]
fn down_leaves_a_stranger_alone_who_got_the_pid_of_a_service() {
    let folder = folder();
    let (mut stranger, child) = service(folder.path());
    record(folder.path(), stranger.id(), started(stranger.id()) - 1000);
    down(folder.path());
    let system = processes();
    assert!(is_alive(&system, stranger.id()) && is_alive(&system, child));
    record(folder.path(), stranger.id(), started(stranger.id()));
    down(folder.path());
    stranger.wait().expect("it ended");
}

#[test]
fn status_fails_while_nothing_runs() {
    let folder = folder();
    let output = dev(folder.path(), &["status"]).output().expect("it runs");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("Nothing is running"));
}
