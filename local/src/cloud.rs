//! Everything that is known about one local cloud: where it lives, its ports, its secrets, its addresses.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::account::{self, Account};
use crate::environment;
use crate::folder::Folder;
use crate::key_value;
use crate::ports::Ports;
use crate::secrets::Secrets;
use crate::services::Service;
use crate::template::{Function, Template};

/// The owner of the database: migrations, demo data, `./dev psql`.
pub(crate) const OWNER: &str = "millrace";
/// The role that the functions log in as.
pub(crate) const APPLICATION: &str = "millrace_app";
/// The database.
pub(crate) const DATABASE: &str = "millrace";
/// The account number and region that moto and the functions agree on.
pub(crate) const AWS_ACCOUNT: &str = "123456789012";
/// See [`AWS_ACCOUNT`].
pub(crate) const AWS_REGION: &str = "us-east-1";

/// One local cloud.
pub(crate) struct Cloud {
    pub(crate) folder: Folder,
    pub(crate) ports: Ports,
    pub(crate) secrets: Secrets,
    pub(crate) template: Template,
    /// Whom Postgres and `PgBouncer` run as.
    pub(crate) account: Option<Account>,
    /// Where these two keep their files.
    pub(crate) servers: PathBuf,
    /// This program, to start others through.
    pub(crate) launcher: PathBuf,
}

impl Cloud {
    /// Opens the cloud of a folder with its remembered ports.
    pub(crate) fn open(folder: Folder) -> Result<Self> {
        let account = Account::for_servers()?;
        Ok(Self {
            ports: Ports::load(&folder.ports())?,
            secrets: Secrets::load(&folder.secrets())?,
            template: Template::read(&folder.root)?,
            servers: account::servers_folder(&folder, account.as_ref())?,
            launcher: std::env::current_exe().context("cannot find this program's own path")?,
            account,
            folder,
        })
    }

    /// Chooses ports. To be called while nothing of this cloud runs.
    pub(crate) fn choose_ports(&mut self) -> Result<()> {
        let names: Vec<_> = Service::all().filter(|service| service.listens()).map(Service::name).collect();
        self.ports = Ports::choose(&self.folder.ports(), &names, self.folder.fingerprint())?;
        Ok(())
    }

    /// The port of a service.
    pub(crate) fn port(&self, service: Service) -> Result<u16> {
        let hint = || format!("no port was chosen for {} yet: run {} up", service.name(), self.folder.dev);
        self.ports.get(service.name()).with_context(hint)
    }

    /// `http://127.0.0.1:PORT` of a service.
    pub(crate) fn http(&self, service: Service) -> Result<String> {
        Ok(format!("http://127.0.0.1:{}", self.port(service)?))
    }

    /// The functions' way to the database: through `PgBouncer`, where there is one.
    pub(crate) fn database_url(&self) -> Result<String> {
        let door = if Service::Pgbouncer.is_available() { Service::Pgbouncer } else { Service::Postgres };
        let (port, password) = (self.port(door)?, self.secrets.application_password());
        Ok(format!("postgres://{APPLICATION}:{password}@127.0.0.1:{port}/{DATABASE}"))
    }

    /// The owner's way to the database: straight.
    pub(crate) fn database_direct_url(&self) -> Result<String> {
        let (port, password) = (self.port(Service::Postgres)?, self.secrets.owner_password());
        Ok(format!("postgres://{OWNER}:{password}@127.0.0.1:{port}/{DATABASE}"))
    }

    /// Runs SQL as the owner, in a database of Postgres or on `PgBouncer`'s console, and returns the rows, unadorned.
    pub(crate) async fn sql(&self, service: Service, database: &str, sql: &str) -> Result<String> {
        self.psql(service, database, (OWNER, self.secrets.owner_password()), sql).await
    }

    /// The same as the role that the functions log in as, with its rights and its time limits.
    pub(crate) async fn sql_as_functions(
        &self,
        service: Service,
        database: &str,
        sql: &str,
    ) -> Result<String> {
        self.psql(service, database, (APPLICATION, self.secrets.application_password()), sql).await
    }

    async fn psql(
        &self,
        service: Service,
        database: &str,
        (user, password): (&str, &str),
        sql: &str,
    ) -> Result<String> {
        let mut psql = Command::new("psql");
        psql.args([
            "--no-psqlrc",
            "--quiet",
            "--tuples-only",
            "--no-align",
            "--set=ON_ERROR_STOP=1",
            "--file=-",
        ])
        .args(["--host=127.0.0.1", &format!("--port={}", self.port(service)?)])
        .args([format!("--username={user}"), format!("--dbname={database}")])
        .env("PGPASSWORD", password)
        .envs([("PGCONNECT_TIMEOUT", "2"), ("PGSSLMODE", "disable")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
        let mut child = psql.spawn().context("cannot run psql")?;
        let mut input = child.stdin.take().context("psql takes no input")?;
        let (written, output) =
            tokio::join!(async move { input.write_all(sql.as_bytes()).await }, child.wait_with_output());
        let output = output.context("psql was lost")?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
        written.context("psql did not take its input")?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// The functions of the template that exist here: it may name some before they are written.
    pub(crate) fn written_functions(&self) -> impl Iterator<Item = &Function> {
        let written = |function: &&Function| {
            self.folder.root.join("functions").join(&function.name).join("Cargo.toml").exists()
        };
        self.template.functions.iter().filter(written)
    }

    /// The address of a queue.
    pub(crate) fn queue_url(&self, name: &str) -> Result<String> {
        Ok(format!("{}/{AWS_ACCOUNT}/{name}", self.http(Service::Sqs)?))
    }

    /// Writes `.dev/env`.
    pub(crate) fn write_env(&self) -> Result<()> {
        let env = environment::of(self)?;
        for (name, value) in &env {
            // Such values would need quotes, and every reader of the file would have to understand them.
            let plain = !value.contains(|c: char| c.is_whitespace() || "=#'\"`$\\".contains(c));
            ensure!(plain, "the value of {name} has a character that cargo-lambda cannot read");
        }
        key_value::write(&self.folder.env(), env)
    }
}
