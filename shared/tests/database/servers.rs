//! A Postgres and a PgBouncer of a test's own, gone with the test.

use std::ffi::OsStr;
use std::fs;
use std::future::Future;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};
use shared::database::{Database, Settings, Statement, migrations};
use tempfile::TempDir;

/// Server connections of the PgBouncer: far fewer than the clients of the tests.
pub(crate) const SERVER_CONNECTIONS: usize = 5;

/// Names Postgres' socket in its folder.
const SOCKET_PORT: u16 = 5432;

/// A migrated Postgres with a PgBouncer in transaction mode before it.
pub(crate) struct Servers {
    postgres: Child,
    pgbouncer: Child,
    folder: TempDir,
}

impl Servers {
    pub(crate) async fn start() -> Self {
        let servers = Self::start_empty().await;
        migrations::run(&servers.owner()).await.expect("migrates");
        servers
    }

    /// Without the schema.
    pub(crate) async fn start_empty() -> Self {
        let servers = Self::launch(SOCKET_PORT, &[]);
        let database = Database::new(servers.owner());
        until("Postgres answers", async || database.execute(&PING).await.is_ok()).await;
        servers
    }

    /// Without the schema, and on `localhost` over TLS too, at the port returned. Does not wait for it.
    pub(crate) fn start_with_tls(certificate: &str, key: &str) -> (Self, u16) {
        // It may be taken before Postgres binds it; then the test fails, once in a very long while.
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let files = [("server.pem", certificate), ("server.key", key)];
        (Self::launch(port, &files), port)
    }

    fn launch(port: u16, tls: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        give_away(folder.path());
        let path = folder.path().to_str().expect("UTF-8");
        for (name, pem) in tls {
            let file = folder.path().join(name);
            fs::write(&file, pem).expect("written");
            // Postgres wants its key to be nobody else's.
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("chmod");
            give_away(&file);
        }
        let created = command("initdb", folder.path())
            .args(["-D", "data", "-U", "owner", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"])
            .status();
        assert!(created.expect("initdb runs").success(), "initdb failed");
        let mut settings = vec![
            format!("port={port}"),
            "listen_addresses=".to_owned(),
            "fsync=off".to_owned(),
            "shared_buffers=16MB".to_owned(),
            "shared_preload_libraries=pg_stat_statements".to_owned(),
        ];
        if !tls.is_empty() {
            settings.extend([
                "listen_addresses=localhost".to_owned(),
                "ssl=on".to_owned(),
                format!("ssl_cert_file={path}/server.pem"),
                format!("ssl_key_file={path}/server.key"),
            ]);
        }
        let settings = settings.iter().flat_map(|setting| ["-c", setting.as_str()]);
        let postgres = command("postgres", folder.path())
            .args(["-D", "data", "-k", path])
            .args(settings)
            .spawn()
            .expect("postgres starts");
        fs::write(folder.path().join("users.txt"), "\"owner\" \"\"\n\"millrace_app\" \"\"\n")
            .expect("written");
        fs::write(folder.path().join("pgbouncer.ini"), pgbouncer_ini(path)).expect("written");
        let pgbouncer =
            command("pgbouncer", folder.path()).args(["-q", "pgbouncer.ini"]).spawn().expect("pgbouncer");
        Self { postgres, pgbouncer, folder }
    }

    /// Directly, as the owner.
    pub(crate) fn owner(&self) -> Settings {
        Settings::new(&self.url("owner", SOCKET_PORT)).expect("valid")
    }

    /// Directly, as the functions' role.
    pub(crate) fn direct(&self) -> Settings {
        Settings::new(&self.direct_url()).expect("valid")
    }

    /// Through PgBouncer, as the functions' role.
    pub(crate) fn pooled(&self) -> Settings {
        Settings::new(&self.pooled_url()).expect("valid")
    }

    pub(crate) fn direct_url(&self) -> String {
        self.url("millrace_app", SOCKET_PORT)
    }

    pub(crate) fn pooled_url(&self) -> String {
        self.url("millrace_app", 6432)
    }

    fn url(&self, user: &str, port: u16) -> String {
        format!("postgres://{user}@localhost/postgres?port={port}&host={}", self.folder.path().display())
    }

    /// Stops every process of the Postgres in its tracks: sockets stay open, nothing answers.
    pub(crate) fn pause_postgres(&self) {
        self.signal_postgres(Signal::SIGSTOP);
    }

    pub(crate) fn resume_postgres(&self) {
        self.signal_postgres(Signal::SIGCONT);
    }

    fn signal_postgres(&self, signal: Signal) {
        let postmaster = self.postgres.id().to_string();
        // The postmaster first, so that it forks nothing between listing and stopping.
        kill(pid(&postmaster), signal).expect("postmaster lives");
        let children = Command::new("pgrep").args(["-P", &postmaster]).output().expect("pgrep");
        for child in String::from_utf8_lossy(&children.stdout).split_whitespace() {
            // It may have ended since.
            kill(pid(child), signal).ok();
        }
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.resume_postgres();
        for server in [&mut self.pgbouncer, &mut self.postgres] {
            kill(pid(&server.id().to_string()), Signal::SIGQUIT).ok();
            server.wait().ok();
        }
    }
}

static PING: Statement = Statement::new("test.ping", "select 1");

/// Waits until `condition` holds; panics after a generous while.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < Duration::from_secs(30), "waited 30 s: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn pgbouncer_ini(folder: &str) -> String {
    format!(
        "[databases]\n* = host={folder} port=5432\n[pgbouncer]\nlisten_addr =\nlisten_port = 6432\n\
         unix_socket_dir = {folder}\nauth_type = trust\nauth_file = {folder}/users.txt\npool_mode = transaction\n\
         default_pool_size = {SERVER_CONNECTIONS}\nmax_client_conn = 500\n"
    )
}

fn command(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(find(program));
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Some(user) = unprivileged() {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    command
}

/// To whom the servers run as.
fn give_away(path: &Path) {
    if let Some(user) = unprivileged() {
        chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).expect("chown");
    }
}

/// Postgres and PgBouncer refuse root.
fn unprivileged() -> Option<User> {
    let user = |name| User::from_name(name).ok().flatten();
    geteuid().is_root().then(|| user("postgres").or_else(|| user("nobody")).expect("an unprivileged user"))
}

/// On the PATH, in /usr/sbin (PgBouncer on Debian), or in Debian's folder of the newest Postgres.
fn find(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.push("/usr/sbin".into());
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    versions.sort_by_key(|bin| bin.parent().and_then(Path::file_name).map(OsStr::to_owned));
    folders.extend(versions.into_iter().rev());
    folders.iter().map(|folder| folder.join(program)).find(|file| file.is_file()).unwrap_or_else(|| {
        panic!("`{program}` is neither on the PATH nor below /usr/lib/postgresql: `./dev up` installs it")
    })
}

fn pid(text: &str) -> Pid {
    Pid::from_raw(text.parse().expect("a process id"))
}
