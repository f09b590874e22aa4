//! Everything that is known about one local cloud: where it lives, its ports, its secrets, its addresses.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::account::{self, Account};
use crate::folder::Folder;
use crate::ports::Ports;
use crate::process::own_path;
use crate::secrets::Secrets;
use crate::service::Service;
use crate::wishes::Wishes;
use lambda::aws::{AWS_ACCOUNT, sqs_client};
use lambda::template::{Function, Template};

/// The owner of the database: migrations, demo data, `./dev psql`.
pub(crate) const OWNER: &str = "millrace";
/// The role that the functions log in as.
pub const APPLICATION: &str = "millrace_app";
/// The database.
pub(crate) const DATABASE: &str = "millrace";

/// One local cloud.
pub struct Cloud {
    /// Where it lives.
    pub folder: Folder,
    /// Its ports, once they are chosen.
    pub ports: Ports,
    /// Its passwords and keys.
    pub secrets: Secrets,
    /// What is deployed.
    pub template: Template,
    /// Whom Postgres and `PgBouncer` run as.
    pub account: Option<Account>,
    /// Where these two keep their files.
    pub servers: PathBuf,
    /// This program, to start others through.
    pub launcher: PathBuf,
    /// What whoever started this asked for.
    pub wishes: Wishes,
}

impl Cloud {
    /// Opens the cloud of a folder with its remembered ports.
    pub fn open(folder: Folder) -> Result<Self> {
        let account = Account::for_servers()?;
        Ok(Self {
            ports: Ports::load(&folder.ports())?,
            secrets: Secrets::load(&folder.secrets())?,
            template: Template::read(&folder.root)?,
            servers: account::servers_folder(&folder, account.as_ref())?,
            launcher: own_path()?.to_owned(),
            wishes: Wishes::read()?,
            account,
            folder,
        })
    }

    /// Chooses ports. To be called while nothing of this cloud runs.
    pub fn choose_ports(&mut self) -> Result<()> {
        let names: Vec<_> = Service::all().filter(|service| service.listens()).map(Service::name).collect();
        self.ports = Ports::choose(&self.folder.ports(), &names, self.folder.fingerprint())?;
        Ok(())
    }

    /// The services of this cloud, in the order they are started.
    pub fn services(&self) -> impl Iterator<Item = Service> + use<> {
        let watched = !self.wishes.no_console;
        Service::all()
            .filter(move |service| service.is_available() && (watched || *service != Service::Console))
    }

    /// The port of a service.
    pub fn port(&self, service: Service) -> Result<u16> {
        let hint = || format!("no port was chosen for {} yet: run {} up", service.name(), self.folder.dev);
        self.ports.get(service.name()).with_context(hint)
    }

    /// `http://127.0.0.1:PORT` of a service.
    pub fn http(&self, service: Service) -> Result<String> {
        Ok(format!("http://127.0.0.1:{}", self.port(service)?))
    }

    /// A client of its queues.
    pub fn sqs(&self) -> Result<aws_sdk_sqs::Client> {
        sqs_client(&self.http(Service::Sqs)?)
    }

    /// The functions' way to the database: through `PgBouncer`, where there is one.
    pub fn database_url(&self) -> Result<String> {
        let door = if Service::Pgbouncer.is_available() { Service::Pgbouncer } else { Service::Postgres };
        let (port, password) = (self.port(door)?, self.secrets.application_password());
        Ok(format!("postgres://{APPLICATION}:{password}@127.0.0.1:{port}/{DATABASE}"))
    }

    /// The owner's way to the database: straight.
    pub fn database_direct_url(&self) -> Result<String> {
        let (port, password) = (self.port(Service::Postgres)?, self.secrets.owner_password());
        Ok(format!("postgres://{OWNER}:{password}@127.0.0.1:{port}/{DATABASE}"))
    }

    /// The functions of the template that exist here.
    pub fn written_functions(&self) -> impl Iterator<Item = &Function> {
        self.template.functions.iter().filter(|function| self.folder.has(&function.name))
    }

    /// The address of a queue.
    pub fn queue_url(&self, name: &str) -> Result<String> {
        Ok(format!("{}/{AWS_ACCOUNT}/{name}", self.http(Service::Sqs)?))
    }
}
