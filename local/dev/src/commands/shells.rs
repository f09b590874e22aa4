//! `psql` and `redis`: the servers' own shells, already logged in.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result};

use cloud::folder::Folder;
use cloud::key_value;
use cloud::service::on_path;

/// Becomes psql, as the database's owner. Returns only when it failed.
pub(crate) fn psql(folder: &Folder, arguments: &[String]) -> Result<()> {
    let url = setting(folder, "DATABASE_DIRECT_URL")?;
    // By environment, because arguments show in the process table.
    let url = url::Url::parse(&url)?;
    let mut psql = Command::new("psql");
    psql.env("PGHOST", "127.0.0.1")
        .env("PGPORT", url.port().unwrap_or_default().to_string())
        .env("PGUSER", url.username())
        .env("PGPASSWORD", url.password().unwrap_or_default())
        .env("PGDATABASE", url.path().trim_start_matches('/'));
    Err(psql.args(arguments).exec()).context("cannot run psql")
}

/// Becomes redis-cli or valkey-cli. Returns only when it failed.
pub(crate) fn redis(folder: &Folder, arguments: &[String]) -> Result<()> {
    let url = setting(folder, "REDIS_URL")?;
    let shell = on_path("redis-cli").or_else(|| on_path("valkey-cli"));
    let shell = shell.context("neither redis-cli nor valkey-cli is on the PATH")?;
    Err(Command::new(shell).args(["-u", &url]).args(arguments).exec()).context("cannot run the shell")
}

pub(super) fn setting(folder: &Folder, name: &str) -> Result<String> {
    let value = key_value::read(&folder.env())?.remove(name);
    value.with_context(|| format!("nothing was started yet: {} up", folder.dev))
}
