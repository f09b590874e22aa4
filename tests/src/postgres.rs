//! Taking Postgres away without its going away: every process of it stands still, and its sockets stay open.

use std::process::Command;

use shared::database::Statement;

use crate::database;

static BACKEND: Statement = Statement::new("tests.backend", "select pg_backend_pid()");

/// A Postgres that stands still, until this is dropped.
pub struct Paused {
    postmaster: String,
}

/// Pauses the cloud's Postgres.
pub async fn pause_postgres() -> Paused {
    let (backend,): (i32,) = database().fetch_one(&BACKEND).await.expect("answers");
    let postmaster = output("ps", &["-o", "ppid=", "-p", &backend.to_string()]).trim().to_owned();
    let paused = Paused { postmaster };
    paused.signal("-STOP");
    paused
}

impl Paused {
    fn signal(&self, signal: &str) {
        // The postmaster first, so that it starts nothing between listing and stopping.
        output("kill", &[signal, &self.postmaster]);
        for child in output("pgrep", &["-P", &self.postmaster]).split_whitespace() {
            // It may have ended since.
            Command::new("kill").args([signal, child]).output().expect("kill runs");
        }
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        self.signal("-CONT");
    }
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect("it runs");
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
