//! `PgBouncer` in transaction mode: the local stand-in for RDS Proxy.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::account::write_for;
use crate::cloud::{APPLICATION, Cloud, DATABASE, OWNER};
use crate::process::Program;
use crate::service::{Service, on_path};

fn configuration(cloud: &Cloud) -> PathBuf {
    cloud.servers.join("pgbouncer.ini")
}

pub(super) fn prepare(cloud: &Cloud) -> Result<()> {
    let users = cloud.servers.join("pgbouncer-users.txt");
    let list = format!(
        "\"{APPLICATION}\" \"{}\"\n\"{OWNER}\" \"{}\"\n",
        cloud.secrets.application_verifier(),
        cloud.secrets.owner_password()
    );
    write_for(cloud.account.as_ref(), &users, &list)?;
    // After Postgres was away PgBouncer refuses everybody until it tries again, by default for 15 s.
    // Five server connections for everybody: code that is wrong behind a pooler shows it soon. No start-up parameter
    // is ignored and statements are not tracked, so that what works here works behind every version.
    let text = format!(
        "[databases]\n\
         {DATABASE} = host=127.0.0.1 port={} dbname={DATABASE}\n\
         [pgbouncer]\n\
         listen_addr = 127.0.0.1\n\
         listen_port = {}\n\
         unix_socket_dir =\n\
         auth_type = scram-sha-256\n\
         auth_file = {}\n\
         admin_users = {OWNER}\n\
         pool_mode = transaction\n\
         default_pool_size = 5\n\
         server_login_retry = 1\n\
         max_client_conn = 1000\n\
         log_connections = 0\n\
         log_disconnections = 0\n",
        cloud.port(Service::Postgres)?,
        cloud.port(Service::Pgbouncer)?,
        users.display(),
    );
    write_for(cloud.account.as_ref(), &configuration(cloud), &text)
}

pub(super) fn program(cloud: &Cloud) -> Result<Program> {
    on_path("pgbouncer").context("pgbouncer is not on the PATH")?;
    let mut program = Program::new("pgbouncer", [configuration(cloud).display().to_string()]);
    program.account.clone_from(&cloud.account);
    Ok(program)
}

pub(super) async fn ask(cloud: &Cloud) -> Result<()> {
    cloud.sql_in(Service::Pgbouncer, "pgbouncer", "show version").await.map(drop)
}
