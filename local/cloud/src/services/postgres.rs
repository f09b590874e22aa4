//! Postgres, with a cluster of its own.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use shared::database::{Settings, migrations};

use crate::account::write_for;
use crate::cloud::{APPLICATION, Cloud, DATABASE, OWNER};
use crate::demo;
use crate::process::Program;
use crate::progress::step;
use crate::service::{Service, on_path};

/// Enough for `PgBouncer`'s five, migrations, `./dev psql`, and tests that connect directly.
const MAX_CONNECTIONS: u32 = 80;

/// macOS has no `C.UTF-8`.
const CTYPE: &str = if cfg!(target_os = "macos") { "en_US.UTF-8" } else { "C.UTF-8" };

fn data(cloud: &Cloud) -> PathBuf {
    cloud.servers.join("postgres")
}

pub(super) async fn prepare(cloud: &Cloud) -> Result<()> {
    let version = version()?;
    let data = data(cloud);
    match fs::read_to_string(data.join("PG_VERSION")) {
        Ok(made_by) => {
            let made_by = made_by.trim();
            ensure!(
                made_by == version.to_string(),
                "the data was written by Postgres {made_by}, and this is Postgres {version}: {} reset",
                cloud.folder.dev
            );
            Ok(())
        }
        Err(_) => step("Making a database cluster", initialise(cloud, version)).await,
    }
}

/// The major version of the Postgres on the PATH.
fn version() -> Result<u32> {
    let output =
        std::process::Command::new("postgres").arg("--version").output().context("cannot run postgres")?;
    // "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"
    let text = String::from_utf8_lossy(&output.stdout);
    let number = text.split_whitespace().find_map(|word| word.split('.').next()?.parse().ok());
    number.with_context(|| format!("cannot read the version in {text:?}"))
}

async fn initialise(cloud: &Cloud, version: u32) -> Result<()> {
    // Made under another name, so that a cluster that was interrupted half-way is never taken for a whole one.
    let draft = cloud.servers.join("postgres.new");
    if draft.exists() {
        fs::remove_dir_all(&draft).with_context(|| format!("cannot remove {}", draft.display()))?;
    }
    let password = cloud.servers.join("owner-password");
    write_for(cloud.account.as_ref(), &password, cloud.secrets.owner_password())?;
    // UTF-8 that sorts by code point and knows every letter: the same on every machine, whatever LANG and LC_ALL say
    // here. From 17 on, Postgres brings the order itself; which characters are letters, full-text search asks LC_CTYPE
    // all the same.
    let provider = if version >= 17 { " --locale-provider=builtin --builtin-locale=C.UTF-8" } else { "" };
    let arguments = format!(
        "--username={OWNER} --auth=scram-sha-256 --encoding=UTF8 --no-sync --no-instructions --locale=C \
         --lc-ctype={CTYPE}{provider}"
    );
    let mut program = Program::new("initdb", arguments.split(' '));
    program
        .arguments
        .extend([format!("--pwfile={}", password.display()), format!("--pgdata={}", draft.display())]);
    program.account.clone_from(&cloud.account);
    let mut command =
        tokio::process::Command::from(program.logged(&cloud.launcher, &cloud.folder.log("postgres"))?);
    let status = command.current_dir("/").status().await;
    fs::remove_file(&password).ok();
    ensure!(status?.success(), "initdb failed: {} logs postgres", cloud.folder.dev);
    fs::rename(&draft, data(cloud)).context("cannot put the new cluster in place")
}

pub(super) fn program(cloud: &Cloud) -> Result<Program> {
    on_path("postgres").context("postgres is not on the PATH")?;
    let settings = [
        format!("port={}", cloud.port(Service::Postgres)?),
        format!("max_connections={MAX_CONNECTIONS}"),
        "listen_addresses=127.0.0.1".to_owned(),
        "unix_socket_directories=".to_owned(),
        "shared_preload_libraries=pg_stat_statements".to_owned(),
        // Demo data need not survive a power cut, and tests run several times faster without.
        "fsync=off".to_owned(),
        "synchronous_commit=off".to_owned(),
        "full_page_writes=off".to_owned(),
        // As in infrastructure/data.yaml, and for the same reason: the text of a statement holds its values.
        "log_min_error_statement=panic".to_owned(),
        "log_error_verbosity=terse".to_owned(),
        "log_min_duration_statement=-1".to_owned(),
        "log_lock_waits=on".to_owned(),
        "timezone=UTC".to_owned(),
        "log_timezone=UTC".to_owned(),
    ];
    let mut program = Program::new("postgres", ["-D".to_owned(), data(cloud).display().to_string()]);
    program.arguments.extend(settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]));
    if cfg!(target_os = "macos") {
        // Without one the system's library looks for the user's locale in a thread, with which Postgres does not start.
        program.environment.push(("LC_ALL", "en_US.UTF-8".to_owned()));
    }
    program.account.clone_from(&cloud.account);
    Ok(program)
}

pub(super) async fn ask(cloud: &Cloud) -> Result<()> {
    cloud.sql_in(Service::Postgres, "postgres", "select").await.map(drop)
}

pub(super) async fn furnish(cloud: &Cloud) -> Result<()> {
    make_schema(cloud).await?;
    if demo::is_missing(cloud).await? {
        let scale = cloud.wishes.scale;
        let load = step(format!("Loading {}", demo::amount(scale)), demo::load(cloud, scale));
        load.await.context("the demo data could not be loaded")?;
    }
    Ok(())
}

/// The database, its tables and its roles.
pub(super) async fn make_schema(cloud: &Cloud) -> Result<()> {
    let exists = format!("select from pg_database where datname = '{DATABASE}'");
    let create = format!("select 'create database {DATABASE}' where not exists ({exists})\n\\gexec");
    cloud.sql_in(Service::Postgres, "postgres", &create).await.context("the database could not be made")?;
    let migrated = step("Migrating", migrate(cloud)).await;
    migrated.with_context(|| format!("a migration failed; {} reset starts afresh", cloud.folder.dev))?;
    // Made of base64 and `$`, so it cannot end the literal. PgBouncer has the same, and signs in by what its clients
    // prove.
    let verifier = cloud.secrets.application_verifier();
    let alter = format!("alter role {APPLICATION} password '{verifier}'");
    cloud.sql(&alter).await.context("the application's password could not be set").map(drop)
}

async fn migrate(cloud: &Cloud) -> Result<()> {
    migrations::run(&Settings::new(&cloud.database_direct_url()?)?).await?;
    Ok(())
}
