//! A Redis of its own for each test: it starts in some 10 ms, and a test may kill, pause or empty it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::certificates::Certificates;
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
        Self::start_with::<&str>(&[])
    }

    /// With these arguments; `{port}` in them stands for the port, `{bus}` for that of a cluster's bus, and `{tls}` for
    /// one more, for TLS beside plain connections.
    pub(crate) fn start_with<A: AsRef<str>>(arguments: &[A]) -> Self {
        // A free port may be taken before Redis binds it: then another is tried.
        for _ in 0..10 {
            let [port, bus, tls] = [(); 3].map(|()| free_port());
            let numbered = |argument: &A| {
                let places = [("{port}", port), ("{bus}", bus), ("{tls}", tls)].into_iter();
                places.fold(argument.as_ref().to_owned(), |text, (place, port)| {
                    text.replace(place, &port.to_string())
                })
            };
            let arguments: Vec<String> = arguments.iter().map(numbered).collect();
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

/// How long a test waits for what must come, however busy the machine is.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Limits that a busy machine does not reach.
pub(crate) fn patient(url: &str) -> Settings {
    let limit = PATIENCE;
    Settings { batch_limit: limit, response_limit: limit, ..Settings::new(url) }
}

/// Nobody listens there: a port that only root may have, and that none of the tests beside this one gets.
pub(crate) const NOWHERE: &str = "redis://127.0.0.1:1";

/// A client of a Redis that is not there.
pub(crate) fn nowhere() -> Redis {
    client(NOWHERE)
}

/// Below the ports that the kernel gives to outgoing connections, which could take one while its Redis is stopped.
fn free_port() -> u16 {
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    std::iter::repeat_with(|| fastrand::u16(10_000..20_000)).find(free).expect("a free port")
}

/// The arguments of one who shows this certificate and asks clients for none. Its files are put into the folder.
pub(crate) fn showing(certificates: &Certificates, folder: &Path) -> Vec<String> {
    let files = [
        ("--tls-ca-cert-file", "ca.pem", &certificates.authority),
        ("--tls-cert-file", "server.pem", &certificates.server),
        ("--tls-key-file", "server.key", &certificates.server_key),
    ];
    let written = files.into_iter().flat_map(|(argument, name, pem)| {
        let file = folder.join(name);
        fs::write(&file, pem).expect("written");
        [argument.to_owned(), file.to_str().expect("UTF-8").to_owned()]
    });
    ["--tls-auth-clients", "no"].map(str::to_owned).into_iter().chain(written).collect()
}

/// Redis, or Valkey where that is what the machine has.
fn server() -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed =
        |program: &&str| std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    Command::new(["redis-server", "valkey-server"].into_iter().find(installed).unwrap_or("redis-server"))
}

/// A Redis that accepts connections on this port; none if it cannot have it.
fn launch(port: u16, arguments: &[String]) -> Option<Child> {
    let mut child = server()
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no", "--dir", "/tmp"])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    // Asked of itself: on its port somebody else may answer. One that ends says no more.
    let said = BufReader::new(child.stdout.take()?).lines().map_while(Result::ok);
    if said.into_iter().any(|line| line.contains("Ready to accept connections")) {
        return Some(child);
    }
    let _ = child.wait();
    None
}

/// Waits for a condition that must come true.
pub(crate) async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < until, "it never came true that {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
