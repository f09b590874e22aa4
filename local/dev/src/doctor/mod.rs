//! `./dev doctor`: whether a Postgres, its pooler and a Redis that are elsewhere can carry Millrace, said before anything is
//! deployed. Nothing is left behind there: what has to be tried is rolled back, or expires within seconds.

mod addresses;
mod postgres;
mod redis;
mod report;

use std::process::ExitCode;

use anyhow::Result;

use addresses::Addresses;
use report::Report;

/// `from` is a file that says them, or three URLs: the pooler's, Postgres' own, Redis'.
pub(crate) async fn doctor(from: &[String]) -> Result<ExitCode> {
    let Addresses { database, database_direct, redis } = Addresses::read(from)?;
    let mut report = Report::default();
    let server = postgres::direct(&database_direct, report.on("Postgres")).await;
    postgres::pooler(&database, server.as_ref(), report.on("pooler")).await;
    self::redis::examine(&redis, report.on("Redis")).await;
    print!("{report}");
    Ok(if report.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
