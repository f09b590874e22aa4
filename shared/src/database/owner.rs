//! What the schema's owner may do, found by trying: every attempt is rolled back.
//!
//! Tables of rights would say less than an attempt: hosted databases let their first role do things that Postgres' own
//! rules forbid it, and the other way round.

use std::borrow::Cow;

use sqlx::postgres::PgConnection;

use super::direct::{column, connect, rows, run};
use super::error::{Error, Result};
use super::settings::Settings;

/// Something that the first steps do, and what helps where it is refused.
struct Attempt {
    sql: &'static str,
    remedy: &'static str,
}

/// To make an extension, and who needs it.
macro_rules! extension {
    ($name:literal, $user:literal) => {
        Attempt {
            sql: concat!("create extension if not exists ", $name),
            remedy: concat!(
                $user,
                " needs the extension ",
                $name,
                "; as an administrator of this database: create extension ",
                $name,
                " (where it is not available, install the server's contrib package)"
            ),
        }
    };
}

const ATTEMPTS: &[Attempt] = &[
    Attempt {
        sql: "create table public._millrace_attempt ()",
        remedy: "the owner cannot make tables in the schema public; as an administrator of this database: \
                 alter database NAME owner to OWNER",
    },
    Attempt {
        sql: "create schema _millrace_attempt",
        remedy: "the owner cannot make the schema for the functions of stored statements; as an administrator of this \
                 database: grant create on database NAME to OWNER",
    },
    extension!("pg_trgm", "search"),
    extension!("unaccent", "search"),
    extension!("fuzzystrmatch", "search"),
    extension!("pg_stat_statements", "db-insights"),
    Attempt {
        sql: "do $$ begin if not exists (select from pg_roles where rolname = 'millrace_app') \
              then create role millrace_app login; end if; end $$",
        remedy: "the functions' role is missing, and the owner cannot make it; as an administrator: \
                 create role millrace_app login password '…'",
    },
];

/// Statements of ours name what these extensions make without its schema.
const STRAY: &str = "select extname, extnamespace::regnamespace::text from pg_extension \
                     where extname in ('pg_trgm', 'unaccent', 'fuzzystrmatch') \
                     and extnamespace::regnamespace::text not in ('public', 'pg_catalog')";

/// Why the schema cannot be made in an empty database; each with what to do.
pub(super) async fn obstacles(connection: &mut PgConnection) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for Attempt { sql, remedy } in ATTEMPTS {
        if let Some(refusal) = attempt(connection, sql).await? {
            found.push(format!("{remedy} ({refusal})"));
        }
    }
    for row in rows(connection, STRAY).await? {
        let (extension, schema): (String, String) = (column(&row, 0)?, column(&row, 1)?);
        found.push(format!(
            "the extension {extension} is in the schema {schema}, where statements do not look; as an administrator of this \
             database: alter extension {extension} set schema public"
        ));
    }
    Ok(found)
}

/// Whether the owner may set the time limits of the functions' role. Without `createrole` Postgres lets nobody but the
/// role itself.
pub(super) async fn may_alter_the_role(connection: &mut PgConnection) -> Result<bool> {
    let alter = "do $$ begin if not exists (select from pg_roles where rolname = 'millrace_app') \
                 then create role millrace_app login; end if; end $$; \
                 alter role millrace_app set statement_timeout = '5s'";
    Ok(attempt(connection, alter).await?.is_none())
}

/// Where the history does more than this owner may, or this server needs.
pub(super) struct Circumstances {
    pub(super) alters_the_role: bool,
    /// Where somebody brings a database of RDS and a password, a member of `rds_iam` could not sign in with it any
    /// more.
    pub(super) iam: bool,
}

impl Circumstances {
    /// A step without what would be refused: it is made up for by [`settle`], or not needed.
    pub(super) fn adapt<'a>(&self, sql: &'a str) -> Cow<'a, str> {
        let mut sql = Cow::Borrowed(sql);
        if !self.alters_the_role {
            sql = sql.replace("\nalter role ", "\n-- alter role ").into();
            sql = sql.replace("execute format('alter role ", "perform format('alter role ").into();
        }
        if !self.iam {
            sql = sql.replace("grant rds_iam to millrace_app;", "null;").into();
        }
        sql
    }
}

/// Whether the role has the limits of step 2 and, in this database, what step 6 pins.
const SETTLED: &str = "with setting as (
        select setdatabase, unnest(setconfig) as text from pg_db_role_setting
        where setrole = (select oid from pg_roles where rolname = 'millrace_app')
    )
    select exists (select from setting where setdatabase = 0 and text like 'statement_timeout=%')
       and exists (select from setting join pg_database as d on d.oid = setdatabase
                   where d.datname = current_database() and text like 'array_nulls=%')";

const LIMITS: &str = include_str!("../../migrations/0002_application_role.sql");
const PINNED: &str = include_str!("../../migrations/0006_pinned_settings.sql");

/// Gives the functions' role its limits and settings where the owner could not: the role may set its own, so it signs
/// in as `functions` says and does. Returns what is left to do by hand, if that does not work either.
pub async fn settle(owner: &Settings, functions: Option<&Settings>) -> Result<Option<String>> {
    let mut connection = connect(owner).await?;
    if is_settled(&mut connection).await? {
        return Ok(None);
    }
    let refusal = match functions {
        Some(functions) => match connect(functions).await {
            Ok(mut itself) => run(&mut itself, of_the_role()).await.err().map(|error| error.to_string()),
            Err(error) => Some(error.to_string()),
        },
        None => Some("DATABASE_URL is not set".to_owned()),
    };
    if is_settled(&mut connection).await? {
        return Ok(None);
    }
    Ok(Some(format!(
        "the functions' role has no time limits of its own, because neither the owner may set them nor the role could \
         ({}); signed in as millrace_app, run: {}",
        refusal.unwrap_or_else(|| "it is not millrace_app that DATABASE_URL names".to_owned()),
        limits().collect::<Vec<_>>().join(" ")
    )))
}

async fn is_settled(connection: &mut PgConnection) -> Result<bool> {
    rows(connection, SETTLED).await?.first().map_or(Ok(false), |row| column(row, 0))
}

fn limits() -> impl Iterator<Item = &'static str> {
    LIMITS.lines().filter(|line| line.starts_with("alter role "))
}

fn of_the_role() -> String {
    limits().chain([PINNED]).collect::<Vec<_>>().join("\n")
}

/// Postgres' refusal, if there was one.
async fn attempt(connection: &mut PgConnection, sql: &str) -> Result<Option<String>> {
    let tried = run(connection, format!("begin; {sql}")).await;
    run(connection, "rollback".to_owned()).await?;
    match tried {
        Ok(()) => Ok(None),
        Err(error @ Error::Unavailable { .. }) => match error {
            // A missing control file counts as an error of the system.
            Error::Unavailable { cause, .. } if cause.contains("SQLSTATE 58P01") => Ok(Some(cause)),
            other => Err(other),
        },
        Err(Error::Fault { why, .. }) => Ok(Some(why)),
        Err(other) => Ok(Some(other.to_string())),
    }
}
