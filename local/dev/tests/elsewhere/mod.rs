//! The three servers, gone with the test. Of several Postgres that the machine has, the newest.

#[path = "../../../../shared/tests/certificates/mod.rs"]
mod certificates;

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use certificates::certificates;
use cloud::account::{Account, write_for};
use cloud::progress::say;

pub(crate) struct Elsewhere {
    postgres: Child,
    pgbouncer: Child,
    redis: Child,
    programs: PathBuf,
    folder: TempDir,
    ports: [u16; 3],
}

impl Elsewhere {
    /// An empty database `shop`, whose owner may do nothing else.
    pub(crate) fn start() -> Self {
        let folder = TempDir::new().expect("a folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("chmod");
        if let Some(Account { uid, gid }) = account() {
            chown(folder.path(), Some(uid), Some(gid)).expect("chown");
        }
        let certificates = certificates();
        for (name, text) in [
            ("ca.pem", certificates.authority.as_str()),
            ("server.pem", &certificates.server),
            ("server.key", &certificates.server_key),
            ("password", "admin secret"),
            ("users.txt", "\"millrace_app\" \"app secret\"\n\"shopkeeper\" \"owner secret\"\n"),
        ] {
            write(&folder.path().join(name), text);
        }
        let ports = [free_port(), free_port(), free_port()];
        let programs = newest_postgres();
        let made = command(&programs.join("initdb"), folder.path())
            .args([
                "-D",
                "data",
                "-U",
                "admin",
                "--auth=scram-sha-256",
                "--pwfile=password",
                "-E",
                "UTF8",
                "--no-sync",
            ])
            .args(["--locale=C", "--lc-ctype=C.UTF-8"])
            .status();
        assert!(made.expect("initdb runs").success(), "initdb failed");
        let rules = "hostssl all all 127.0.0.1/32 scram-sha-256\nhostssl all all ::1/128 scram-sha-256\n";
        write(&folder.path().join("data/pg_hba.conf"), rules);
        write(&folder.path().join("pgbouncer.ini"), &pgbouncer_ini(ports, "transaction"));
        let here = folder.path();
        let redis = redis(here, ports[2]);
        let elsewhere = Self {
            postgres: postgres(&programs, here, ports[0]),
            pgbouncer: pgbouncer(here),
            redis,
            programs,
            folder,
            ports,
        };
        until("Postgres answers", || elsewhere.psql("postgres", "select").success());
        elsewhere.administer_in("postgres", "create role shopkeeper login password 'owner secret'");
        elsewhere.administer_in("postgres", "create database shop owner shopkeeper");
        for port in [ports[1], ports[2]] {
            until("it listens", || TcpStream::connect(("localhost", port)).is_ok());
        }
        elsewhere
    }

    /// Through the pooler as the functions, directly as the owner, and Redis.
    pub(crate) fn addresses(&self) -> [String; 3] {
        let [postgres, pgbouncer, redis] = self.ports;
        [
            self.url("millrace_app:app%20secret", pgbouncer),
            self.url("shopkeeper:owner%20secret", postgres),
            format!("rediss://:open%20sesame@localhost:{redis}"),
        ]
    }

    pub(crate) fn owner_through_the_pooler(&self) -> String {
        self.url("shopkeeper:owner%20secret", self.ports[1])
    }

    /// As a user who may not do everything: see [`USERS`].
    pub(crate) fn redis_as(&self, user: &str) -> String {
        format!("rediss://{user}:barley@localhost:{}", self.ports[2])
    }

    pub(crate) fn redis_where_nobody_listens(&self) -> String {
        let [.., redis] = self.addresses();
        redis.replace(&self.ports[2].to_string(), "1")
    }

    fn url(&self, user: &str, port: u16) -> String {
        let authority = self.folder.path().join("ca.pem");
        format!(
            "postgres://{user}@localhost:{port}/shop?sslmode=verify-full&sslrootcert={}",
            authority.display()
        )
    }

    /// In the database `shop`, as a superuser.
    pub(crate) fn administer(&self, sql: &str) {
        self.administer_in("shop", sql);
    }

    pub(crate) fn administer_in(&self, database: &str, sql: &str) {
        assert!(self.psql(database, sql).success(), "{sql}");
    }

    fn psql(&self, database: &str, sql: &str) -> std::process::ExitStatus {
        command(&self.programs.join("psql"), self.folder.path())
            .args(["-X", "-q", "-d", database, "-c", sql])
            .envs([
                ("PGHOST", "localhost"),
                ("PGUSER", "admin"),
                ("PGPASSWORD", "admin secret"),
                ("PGSSLMODE", "require"),
            ])
            .env("PGPORT", self.ports[0].to_string())
            .status()
            .expect("psql runs")
    }

    pub(crate) fn restart_pooler(&mut self) {
        self.restart_pooler_in("transaction");
    }

    /// In this mode of pooling.
    pub(crate) fn restart_pooler_in(&mut self, mode: &str) {
        end(&mut self.pgbouncer);
        write(&self.folder.path().join("pgbouncer.ini"), &pgbouncer_ini(self.ports, mode));
        self.pgbouncer = pgbouncer(self.folder.path());
        until("PgBouncer listens", || TcpStream::connect(("localhost", self.ports[1])).is_ok());
    }

    /// Postgres starts again as a standby, whose primary nobody ever hears of.
    pub(crate) fn demote(&mut self) {
        kill(Pid::from_raw(self.postgres.id().cast_signed()), Signal::SIGINT).expect("it is asked to end");
        self.postgres.wait().expect("it ends");
        write(&self.folder.path().join("data/standby.signal"), "");
        self.postgres = postgres(&self.programs, self.folder.path(), self.ports[0]);
        until("Postgres answers", || self.psql("postgres", "select").success());
        self.restart_pooler();
    }

    /// Whether `./dev doctor` finds them fit, and what it says.
    pub(crate) fn doctor(&self, [pooled, direct, redis]: &[String; 3]) -> (bool, String) {
        let file = self.folder.path().join("external.json");
        let said = format!(
            r#"{{"DatabaseUrl": "{pooled}", "DatabaseDirectUrl": "{direct}", "RedisUrl": "{redis}"}}"#
        );
        fs::write(&file, said).expect("written");
        let mut doctor = Command::new(env!("CARGO_BIN_EXE_dev"));
        doctor.arg("doctor").arg(file).env("REDIS_CA_FILE", self.folder.path().join("ca.pem"));
        let ended = doctor.output().expect("it runs");
        (ended.status.success(), String::from_utf8_lossy(&ended.stdout).into_owned())
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        end(&mut self.pgbouncer);
        end(&mut self.redis);
        // Its own processes go with it only when it is asked.
        kill(Pid::from_raw(self.postgres.id().cast_signed()), Signal::SIGQUIT).ok();
        self.postgres.wait().ok();
        if std::thread::panicking() {
            for server in ["postgres", "pgbouncer", "redis"] {
                let log = self.folder.path().join(server).with_extension("log");
                say(format_args!("{server}:\n{}", fs::read_to_string(log).unwrap_or_default()));
            }
        }
    }
}

/// Nothing that it has is to be kept.
fn end(server: &mut Child) {
    server.kill().ok();
    server.wait().ok();
}

fn spawn(mut server: Command, name: &str, folder: &Path) -> Child {
    let log = fs::File::create(folder.join(name).with_extension("log")).expect("a log");
    let both = log.try_clone().expect("a handle");
    server.stdout(both).stderr(log).spawn().unwrap_or_else(|error| panic!("{name} starts: {error}"))
}

fn postgres(programs: &Path, folder: &Path, port: u16) -> Child {
    let settings = [
        format!("port={port}"),
        "listen_addresses=localhost".to_owned(),
        "unix_socket_directories=".to_owned(),
        "fsync=off".to_owned(),
        "shared_preload_libraries=pg_stat_statements".to_owned(),
        "ssl=on".to_owned(),
        format!("ssl_cert_file={}/server.pem", folder.display()),
        format!("ssl_key_file={}/server.key", folder.display()),
    ];
    let settings = settings.iter().flat_map(|setting| ["-c", setting.as_str()]);
    let mut server = command(&programs.join("postgres"), folder);
    server.args(["-D", "data"]).args(settings);
    spawn(server, "postgres", folder)
}

fn pgbouncer(folder: &Path) -> Child {
    let program = find(&folders(), "pgbouncer").expect("pgbouncer is installed");
    let mut server = command(&program, folder);
    server.arg("pgbouncer.ini");
    spawn(server, "pgbouncer", folder)
}

/// It finds Postgres by its address, and so cannot compare the name in the certificate: PgBouncer built with c-ares, as
/// Debian 13's is, looks for `localhost` at `::1` alone, also where there is none.
fn pgbouncer_ini([postgres, pgbouncer, _]: [u16; 3], mode: &str) -> String {
    format!(
        "[databases]\nshop = host=127.0.0.1 port={postgres}\n[pgbouncer]\nlisten_addr = localhost\nlisten_port = {pgbouncer}\n\
         unix_socket_dir =\nauth_type = scram-sha-256\nauth_file = users.txt\npool_mode = {mode}\ndefault_pool_size = 3\n\
         client_tls_sslmode = require\nclient_tls_cert_file = server.pem\nclient_tls_key_file = server.key\n\
         server_tls_sslmode = verify-ca\nserver_tls_ca_file = ca.pem\n"
    )
}

/// Users of Redis who lack something.
const USERS: [(&str, &[&str]); 2] = [("clipped", &["-time", "-pexpire"]), ("silent", &["-@scripting"])];

fn redis(folder: &Path, port: u16) -> Child {
    // The Valkey of the wheels, which may be on the PATH, knows no TLS.
    let program = ["redis-server", "valkey-server"].iter().find_map(|name| find(&folders(), name));
    let mut server = command(&program.expect("Redis or Valkey is installed"), folder);
    server
        .args(["--port", "0", "--tls-port", &port.to_string(), "--tls-auth-clients", "no"])
        .args([
            "--tls-cert-file",
            "server.pem",
            "--tls-key-file",
            "server.key",
            "--tls-ca-cert-file",
            "ca.pem",
        ])
        .args(["--save", "", "--requirepass", "open sesame"]);
    for (user, lacks) in USERS {
        server.args(["--user", user, "on", ">barley", "~*", "+@all"]).args(lacks);
    }
    spawn(server, "redis", folder)
}

fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    // Not the home of whoever runs the tests, where psql looks for certificates and need not be let in.
    command.current_dir(folder).env("HOME", folder);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Some(Account { uid, gid }) = account() {
        command.uid(uid).gid(gid);
    }
    command
}

fn write(path: &Path, text: &str) {
    write_for(account().as_ref(), path, text).expect("written");
}

/// Whom the servers run as.
fn account() -> Option<Account> {
    Account::for_servers().expect("an unprivileged user")
}

fn newest_postgres() -> PathBuf {
    let version = |folder: &PathBuf| {
        let asked = command(&folder.join("postgres"), Path::new("/"))
            .arg("--version")
            .stdout(Stdio::piped())
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&asked.stdout).into_owned();
        // "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"
        text.split_whitespace().find_map(|word| word.split('.').next()?.parse::<u32>().ok())
    };
    let complete = |folder: &PathBuf| ["initdb", "psql"].iter().all(|name| folder.join(name).is_file());
    let found = folders().into_iter().filter(complete).filter(|folder| knows_tls(folder));
    found
        .filter_map(|folder| Some((version(&folder)?, folder)))
        .max()
        .expect("a Postgres that knows TLS is installed")
        .1
}

/// The Postgres of `PyPI`'s wheels, which may be on the PATH, does not.
fn knows_tls(folder: &Path) -> bool {
    let mut asked = command(&folder.join("pg_config"), Path::new("/"));
    let built = asked.arg("--configure").stdout(Stdio::piped()).output();
    built.is_ok_and(|built| String::from_utf8_lossy(&built.stdout).contains("ssl"))
}

fn find(folders: &[PathBuf], program: &str) -> Option<PathBuf> {
    folders.iter().map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// The PATH, /usr/sbin (PgBouncer on Debian), and Debian's folders of Postgres.
fn folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.push("/usr/sbin".into());
    let inside = |folder: &Path| -> Vec<PathBuf> {
        fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect()
    };
    folders.extend(inside(Path::new("/usr/lib/postgresql")).into_iter().map(|version| version.join("bin")));
    folders
}

/// Below the ports that the kernel gives to outgoing connections, which could take one before its server does.
fn free_port() -> u16 {
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    std::iter::repeat_with(|| fastrand::u16(10_000..20_000)).find(free).expect("a free port")
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_mins(1), "waited a minute: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
