//! Everything that is known about one local cloud: where it lives, its ports, its secrets, its addresses.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{ConnectOptions, Connection};

use crate::account::{self, Account};
use crate::folder::Folder;
use crate::key_value;
use crate::ports::Ports;
use crate::secrets::Secrets;
use crate::services::Service;
use crate::template::Template;

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
        let hint = || format!("no port was chosen for {} yet: run {} up", service.name(), self.folder.dev());
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
        Ok(format!("postgres://{APPLICATION}:{password}@127.0.0.1:{port}/{DATABASE}?sslmode=disable"))
    }

    /// The owner's way to the database: straight.
    pub(crate) fn database_direct_url(&self) -> Result<String> {
        let (port, password) = (self.port(Service::Postgres)?, self.secrets.owner_password());
        Ok(format!("postgres://{OWNER}:{password}@127.0.0.1:{port}/{DATABASE}?sslmode=disable"))
    }

    /// Connects as the owner, to a database of Postgres or to `PgBouncer`'s console.
    pub(crate) async fn connect(&self, service: Service, database: &str) -> Result<PgConnection> {
        let options = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.port(service)?)
            .username(OWNER)
            .password(self.secrets.owner_password())
            .database(database)
            .ssl_mode(PgSslMode::Disable)
            .extra_float_digits(None)
            .disable_statement_logging();
        let connect = PgConnection::connect_with(&options);
        let connected = tokio::time::timeout(Duration::from_secs(2), connect).await;
        connected.map_err(|_| anyhow::anyhow!("{} does not answer", service.name()))?.map_err(Into::into)
    }

    /// The address of a queue.
    pub(crate) fn queue_url(&self, name: &str) -> Result<String> {
        Ok(format!("{}/{AWS_ACCOUNT}/{name}", self.http(Service::Sqs)?))
    }

    /// Writes `.dev/env`.
    pub(crate) fn write_env(&self) -> Result<()> {
        key_value::write(&self.folder.env(), crate::environment::of(self)?)
    }
}
