//! `./dev doctor`: whether a Postgres, its pooler and a Redis that are elsewhere can carry Millrace, said before
//! anything is deployed. Nothing is left behind there: what has to be tried is rolled back, or expires within
//! seconds.

mod addresses;
mod postgres;
mod reach;
mod redis;
mod report;

use std::process::ExitCode;

use anyhow::Result;
use tokio::join;

use addresses::Addresses;
use cloud::progress::tell;
use report::Report;

/// `from` is a file that says them, or three URLs: the pooler's, Postgres' own, Redis'.
pub(crate) async fn doctor(from: &[String]) -> Result<ExitCode> {
    let Addresses { database, database_direct, redis } = Addresses::read(from)?;
    // Together, because each may have to be waited for; then one after the other, because times are taken.
    let (server, pooled, redis) = join!(
        postgres::reach(&database_direct, "DatabaseDirectUrl", postgres::DIRECTLY),
        postgres::reach(&database, "DatabaseUrl", postgres::THROUGH_THE_POOLER),
        self::redis::reach(&redis),
    );
    let mut report = Report::default();
    match &server {
        Ok(server) => postgres::direct(server, report.on("Postgres")).await,
        Err(why) => report.on("Postgres").missing(why),
    }
    match pooled {
        Ok(pooled) => postgres::pooler(&pooled, server.ok().as_ref(), report.on("pooler")).await,
        Err(why) => report.on("pooler").missing(why),
    }
    match redis {
        Ok(redis) => self::redis::examine(&redis, report.on("Redis")).await,
        Err(why) => report.on("Redis").missing(why),
    }
    tell(report.to_string().trim_end());
    Ok(if report.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
