//! A Redis of its own for each test: it starts in some 10 ms, and a test may kill, pause or empty it.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use shared::redis::{Redis, Settings};

pub(crate) struct Server {
    child: Child,
    port: u16,
    arguments: Vec<String>,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// With these arguments; `{port}` in them stands for the port.
    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        // A free port may be taken before Redis binds it: then another is tried.
        for _ in 0..10 {
            let port = free_port();
            if let Some(child) = launch(port, &arguments) {
                return Self { child, port, arguments };
            }
        }
        panic!("neither redis-server nor valkey-server starts; is one installed?")
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// A client with generous limits, so that a busy machine fails no test that is not about time.
    pub(crate) fn client(&self) -> Redis {
        client(&self.url())
    }

    /// A plain connection, to look behind the scenes.
    pub(crate) fn raw(&self) -> ::redis::Connection {
        ::redis::Client::open(self.url()).expect("a valid URL").get_connection().expect("a running Redis")
    }

    pub(crate) fn query<T: ::redis::FromRedisValue>(&self, command: &[&str]) -> T {
        let mut cmd = ::redis::cmd(command[0]);
        cmd.arg(&command[1..]);
        cmd.query(&mut self.raw()).expect("a command that Redis accepts")
    }

    /// How often Redis has carried out each of these commands, called directly or from a script.
    pub(crate) fn calls(&self, commands: &[&str]) -> Vec<u64> {
        let stats: String = self.query(&["INFO", "commandstats"]);
        let count = |command: &&str| {
            let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
            line.and_then(|line| line.split(',').next()?.parse().ok()).unwrap_or(0)
        };
        commands.iter().map(count).collect()
    }

    pub(crate) fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts again on the same port, empty.
    pub(crate) fn start_again(&mut self) {
        self.child = launch(self.port, &self.arguments).expect("the port is still free");
    }

    pub(crate) fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    pub(crate) fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a process id");
        kill(Pid::from_raw(pid), signal).expect("a running Redis");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

pub(crate) fn client(url: &str) -> Redis {
    Redis::new(patient(url)).expect("a valid URL")
}

/// Limits that a busy machine does not reach.
pub(crate) fn patient(url: &str) -> Settings {
    let limit = Duration::from_secs(20);
    Settings { batch_limit: limit, response_limit: limit, ..Settings::new(url) }
}

/// A client of a Redis that is not there.
pub(crate) fn nowhere() -> Redis {
    client(&format!("redis://127.0.0.1:{}", free_port()))
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound address").port()
}

/// Redis, or Valkey where that is what the machine has.
fn server() -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed =
        |program: &&str| std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    Command::new(["redis-server", "valkey-server"].into_iter().find(installed).unwrap_or("redis-server"))
}

fn launch(port: u16, arguments: &[String]) -> Option<Child> {
    let port = port.to_string();
    let arguments = arguments.iter().map(|argument| argument.replace("{port}", &port));
    let mut child = server()
        .args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", "/tmp"])
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let until = Instant::now() + Duration::from_secs(10);
    while Instant::now() < until {
        if TcpStream::connect(format!("127.0.0.1:{port}")).is_ok() {
            // Somebody answers on the port: ours, unless it has given up because another had it.
            sleep(Duration::from_millis(5));
            return matches!(child.try_wait(), Ok(None)).then_some(child);
        }
        sleep(Duration::from_millis(2));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

/// Waits for a condition that must come true.
pub(crate) async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !condition().await {
        assert!(Instant::now() < until, "it never came true that {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
