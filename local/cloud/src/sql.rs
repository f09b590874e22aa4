//! SQL through `psql`: no driver of ours stands between a statement and what Postgres says to it.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::cloud::{APPLICATION, Cloud, DATABASE, OWNER};
use crate::service::Service;

impl Cloud {
    /// Runs SQL as the owner and returns the rows, unadorned.
    pub async fn sql(&self, sql: &str) -> Result<String> {
        self.sql_in(Service::Postgres, DATABASE, sql).await
    }

    /// The same in another database of Postgres, or on `PgBouncer`'s console.
    pub async fn sql_in(&self, service: Service, database: &str, sql: &str) -> Result<String> {
        self.psql(service, database, (OWNER, self.secrets.owner_password()), sql).await
    }

    /// The same as the role that the functions log in as, with its rights and its time limits.
    pub async fn sql_as_functions(&self, sql: &str) -> Result<String> {
        let login = (APPLICATION, self.secrets.application_password());
        self.psql(Service::Postgres, DATABASE, login, sql).await
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
}
