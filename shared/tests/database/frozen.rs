//! A frozen environment: the process stands still, and meanwhile the other side closes its connections.
//!
//! The process is this very program, started again to run the one test that is ignored otherwise.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use shared::database::{Database, Settings, Statement};

use crate::servers::{Servers, until};

const URL: &str = "FROZEN_DATABASE_URL";

static BACKEND: Statement = Statement::new("test.backend", "select pg_backend_pid()");
static TERMINATE: Statement = Statement::new(
    "test.terminate",
    "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'millrace_app'",
);
static CONNECTED: Statement =
    Statement::new("test.connected", "select count(*) from pg_stat_activity where usename = 'millrace_app'");

/// Answers each line of its input with the server process that it reached.
#[tokio::test]
#[ignore = "a process that the other test starts"]
async fn environment() {
    let Ok(url) = env::var(URL) else { return };
    let database = Database::new(Settings::new(&url).expect("valid"));
    for _line in std::io::stdin().lines() {
        let answer = database.fetch_one::<(i32,)>(&BACKEND).await;
        println!("answer {}", answer.map_or_else(|error| error.to_string(), |(pid,)| pid.to_string()));
    }
}

struct Environment {
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Environment {
    fn start(url: &str) -> Self {
        let mut process = Command::new(env::current_exe().expect("a path"))
            .args(["--exact", "frozen::environment", "--ignored", "--nocapture"])
            .env(URL, url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let requests = process.stdin.take().expect("piped");
        let answers = BufReader::new(process.stdout.take().expect("piped"));
        Self { process, requests, answers }
    }

    fn ask(&mut self) -> String {
        writeln!(self.requests).expect("takes a request");
        loop {
            let mut line = String::new();
            assert!(self.answers.read_line(&mut line).expect("text") > 0, "it has ended");
            // The test harness of the process says something too, on the same line.
            if let Some((_, answer)) = line.split_once("answer ") {
                return answer.trim().to_owned();
            }
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.process.id()).expect("a process id"));
        kill(pid, signal).expect("it lives");
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

#[tokio::test]
async fn it_answers_the_first_request_after_a_freeze_in_which_its_connection_was_closed() {
    let servers = Servers::start().await;
    let owner = Database::new(servers.owner());
    let count = async |statement: &Statement| owner.fetch_one::<(i64,)>(statement).await.expect("answers").0;
    let mut environment = Environment::start(&servers.direct_url());
    let before: i32 = environment.ask().parse().expect("a server process");

    environment.signal(Signal::SIGSTOP);
    assert_eq!(count(&TERMINATE).await, 1);
    until("the server has closed it", async || count(&CONNECTED).await == 0).await;
    // Longer than a connection is trusted without being asked; by the wall clock, which goes on in a freeze.
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    environment.signal(Signal::SIGCONT);

    let after: i32 = environment.ask().parse().expect("the first answer after the freeze is right");
    assert_ne!(after, before);
    assert_eq!(environment.ask().parse(), Ok(after), "and it keeps the new connection");
}
