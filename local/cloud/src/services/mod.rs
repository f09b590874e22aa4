//! The services of the local cloud: what each needs, how it is started, and how to ask whether it answers.

mod answers;
mod functions;
mod payments;
mod pgbouncer;
mod postgres;
mod redis;
mod s3;
mod sqs;

use anyhow::Result;

use crate::cloud::Cloud;
use crate::process::Program;
use crate::service::Service;
use answers::answers;
pub use s3::{IMPORTS_BUCKET, SIGNED};

/// What it is, for the table.
pub fn role(service: Service, cloud: &Cloud) -> &'static str {
    match service {
        Service::Postgres => "database, fsync off",
        Service::Pgbouncer => "transaction pooling, 5 server connections",
        Service::Redis => "cache, rate limits, breaker; keeps nothing",
        Service::Sqs => "queues, and the bucket of imports; keeps nothing",
        Service::Payments => "payment provider",
        Service::Functions if cloud.wishes.profile.is_some() => "a finished build",
        Service::Functions if cloud.wishes.no_reload => "the debug build",
        Service::Functions => "the debug build, anew after each change",
        Service::Dispatcher => "polls the queues, fires the schedules",
        Service::Console => "all of this, in the browser",
    }
}

/// Makes the files it needs before it starts.
pub async fn prepare(service: Service, cloud: &Cloud) -> Result<()> {
    match service {
        Service::Postgres => postgres::prepare(cloud).await,
        Service::Pgbouncer => pgbouncer::prepare(cloud),
        Service::Functions => functions::prepare(cloud).await,
        _ => Ok(()),
    }
}

/// How it is started.
pub fn program(service: Service, cloud: &Cloud) -> Result<Program> {
    match service {
        Service::Postgres => postgres::program(cloud),
        Service::Pgbouncer => pgbouncer::program(cloud),
        Service::Redis => redis::program(cloud),
        Service::Sqs => sqs::program(cloud),
        Service::Payments => payments::program(cloud),
        Service::Functions => Ok(functions::program(cloud)),
        Service::Dispatcher => Ok(Program::new(&cloud.launcher, ["dispatch"])),
        Service::Console => Ok(Program::new(&cloud.launcher, ["console"])),
    }
}

/// Asks whether it answers.
pub async fn ask(service: Service, cloud: &Cloud) -> Result<()> {
    match service {
        Service::Postgres => postgres::ask(cloud).await,
        Service::Pgbouncer => pgbouncer::ask(cloud).await,
        Service::Redis => redis::ask(cloud).await,
        Service::Sqs => sqs::ask(cloud).await,
        Service::Payments => payments::ask(cloud).await,
        Service::Functions | Service::Console => answers(&cloud.http(service)?).await,
        Service::Dispatcher => Ok(()),
    }
}

/// Fills it, once it answers: schema, demo data, queues.
pub async fn furnish(service: Service, cloud: &Cloud) -> Result<()> {
    match service {
        Service::Postgres => postgres::furnish(cloud).await,
        Service::Sqs => {
            sqs::furnish(cloud).await?;
            s3::furnish(cloud).await
        }
        _ => Ok(()),
    }
}

/// The database with its tables and roles, and nothing in them.
pub async fn make_schema(cloud: &Cloud) -> Result<()> {
    postgres::make_schema(cloud).await
}
