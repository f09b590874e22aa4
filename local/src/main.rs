//! The local cloud behind `./dev`: Postgres, `PgBouncer`, Redis, SQS, a payment provider and the functions, on this
//! machine, without Docker.
//!
//! | module | holds |
//! |---|---|
//! | [`supervisor`] | starts the services, watches over them, ends them |
//! | [`services`] | what each service needs, how it is started, how to ask whether it answers |
//! | [`runtime_api`], [`gateway`] | runs functions as Lambda does, and calls them as API Gateway does |
//! | [`dispatcher`] | invokes functions from queues and schedules, as Lambda does |
//! | [`commands`] | what a person types |
//! | [`payments`] | the payment provider |
//! | [`gate`] | `./dev test` |
//! | [`mod@bench`], [`load`] | `./dev bench`, `./dev load` |
//! | [`traffic`], [`own_cloud`] | what customers send; the cloud that both start for themselves |
//! | [`chaos`] | `./dev chaos` |
//! | [`stats`] | `./dev stats` |
//! | [`demo`] | the demo data |
//! | [`figures`], [`chart`], [`usage`] | percentiles, plots, and what processes have used, for all reports |
//! | [`explain`] | `./dev explain` |
//! | [`process`], [`record`] | processes that outlive a command, and what is known of them |

mod account;
mod aws;
mod bench;
mod chaos;
mod chart;
mod cloud;
mod commands;
mod demo;
mod dispatcher;
mod environment;
mod explain;
mod figures;
mod folder;
mod gate;
mod gateway;
mod goal;
mod key_value;
mod lifecycle;
mod load;
mod log;
mod own_cloud;
mod payments;
mod ports;
mod process;
mod progress;
mod record;
mod runtime_api;
mod secrets;
mod service;
mod services;
mod serving;
mod sql;
mod stats;
mod supervisor;
mod tell;
mod template;
mod traffic;
mod usage;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use cloud::Cloud;
use folder::Folder;
use service::Service;

#[derive(Parser)]
#[command(name = "dev", override_help = include_str!("../help.txt"), disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Up {
        #[arg(long)]
        detach: bool,
    },
    Down,
    Status,
    Logs {
        service: Option<String>,
        #[arg(short, long)]
        follow: bool,
    },
    Reset,
    Stop {
        service: Service,
    },
    Start {
        service: Service,
    },
    Invoke {
        function: String,
        event: Option<String>,
    },
    Breaker {
        order: commands::Order,
        name: String,
    },
    Explain {
        statement: Option<String>,
    },
    Stats(stats::Arguments),
    Sizes {
        #[arg(long)]
        build: bool,
    },
    Test,
    Redrive,
    Bench(bench::Arguments),
    Load(load::Arguments),
    Chaos(chaos::Arguments),
    #[command(disable_help_flag = true)]
    Psql {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    #[command(disable_help_flag = true)]
    Redis {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// The supervisor of `up --detach`.
    #[command(hide = true)]
    Supervise,
    /// The dispatcher's process.
    #[command(hide = true)]
    Dispatch,
    /// Serves the functions of a finished build.
    #[command(hide = true)]
    Serve {
        profile: String,
    },
    /// The payment provider's process.
    #[command(hide = true)]
    Payments(payments::Arguments),
    /// Becomes another program; see [`process::launch`].
    #[command(hide = true)]
    Launch {
        #[arg(long)]
        uid: Option<u32>,
        #[arg(long)]
        gid: Option<u32>,
        #[arg(last = true)]
        program: Vec<String>,
    },
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        // Before there is a runtime with threads of its own.
        Command::Launch { uid, gid, program } => {
            process::launch(uid, gid, &program).map(|()| ExitCode::FAILURE)
        }
        command => tokio::runtime::Runtime::new()
            .map_err(Into::into)
            .and_then(|runtime| runtime.block_on(run(command))),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            progress::say(format_args!("dev: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<ExitCode> {
    if let Command::Payments(arguments) = command {
        payments::run(arguments).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let folder = Folder::open()?;
    match command {
        Command::Up { detach } => commands::up(folder, detach).await?,
        Command::Down => lifecycle::down(&folder).await?,
        Command::Status => return commands::status(folder).await,
        Command::Logs { service, follow } => commands::logs(&folder, service.as_deref(), follow).await?,
        Command::Reset => lifecycle::reset(&folder).await?,
        Command::Stop { service } => lifecycle::stop(&folder, service).await?,
        Command::Start { service } => lifecycle::start(&folder, service).await?,
        Command::Invoke { function, event } => {
            return commands::invoke(&folder, &function, event.map(PathBuf::from).as_deref()).await;
        }
        Command::Breaker { order, name } => commands::breaker(&folder, order, &name).await?,
        Command::Bench(arguments) => bench::run(&folder, &arguments).await?,
        Command::Load(arguments) => return load::run(&folder, &arguments).await,
        Command::Explain { statement } => return explain::explain(folder, statement.as_deref()).await,
        Command::Sizes { build } => commands::sizes(&folder, build)?,
        Command::Stats(arguments) => stats::run(folder, arguments).await?,
        Command::Test => return gate::run(&folder).await,
        Command::Redrive => commands::redrive(folder).await?,
        Command::Chaos(arguments) => return chaos::run(&folder, arguments).await,
        Command::Psql { arguments } => commands::psql(&folder, &arguments)?,
        Command::Redis { arguments } => commands::redis(&folder, &arguments)?,
        Command::Supervise => supervisor::run(Cloud::open(folder)?, |_| Ok(())).await?,
        Command::Serve { profile } => serving::serve(&Cloud::open(folder)?, &profile).await?,
        Command::Dispatch => serving::dispatch(&Cloud::open(folder)?).await?,
        Command::Payments(_) | Command::Launch { .. } => {}
    }
    Ok(ExitCode::SUCCESS)
}
