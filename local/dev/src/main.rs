//! The program behind `./dev`: what a person types, and the processes of a cloud that are this program again.
//!
//! | module | holds |
//! |---|---|
//! | [`commands`] | the commands that need a page |
//! | [`doctor`] | `./dev doctor` |
//! | [`explain`] | `./dev explain` |
//! | [`gate`] | `./dev test` |
//!
//! Everything else is in the libraries beside it: a local cloud in [`cloud`], its page in [`console`], Lambda in
//! [`lambda`], the payment provider in [`provider`], `./dev chaos` in `chaos`, and `./dev stats` in [`stats`],
//! `./dev bench` and `load` in `measure`.

mod commands;
mod doctor;
mod explain;
mod gate;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use cloud::folder::Folder;
use cloud::service::Service;
use cloud::{Cloud, given, lifecycle, process, progress, serving, supervisor};

#[derive(Parser)]
#[command(name = "dev", override_help = include_str!("../help.txt"), disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Starts everything: tools, servers, schema, demo data, functions.
    Up {
        /// Stays in the background, and returns once everything answers.
        #[arg(long)]
        detach: bool,
    },
    /// Stops everything, also what a killed `up` left behind.
    Down,
    /// What runs where.
    Status,
    /// What the services write.
    Logs {
        /// One of those that `./dev status` names; else all.
        service: Option<String>,
        /// Goes on with what is written from now on, until Ctrl-C.
        #[arg(short, long)]
        follow: bool,
    },
    /// Opens the console in the browser.
    Open,
    /// Stops everything and wipes the data. Ports and tools are kept.
    Reset,
    /// Takes one service away, to see what the others do without it.
    Stop {
        /// Which.
        service: Service,
    },
    /// Brings a service back.
    Start {
        /// Which.
        service: Service,
    },
    /// Whether a Postgres, its pooler and a Redis that are elsewhere can carry Millrace, and what is missing.
    Doctor {
        /// A file like the one in docs/external.md, or three URLs.
        #[arg(required = true)]
        addresses: Vec<String>,
    },
    /// Sends an event to a function and shows its answer.
    Invoke {
        /// A folder of functions/.
        function: String,
        /// A file, or the part of events/FUNCTION-EVENT.json that tells it apart; else events/FUNCTION.json.
        event: Option<String>,
    },
    /// Puts products from a file into the shop, by their sku, and shows the lines that are bad.
    Import {
        /// CSV or JSON lines: .csv, .jsonl, .ndjson. docs/operations.md has the columns.
        file: PathBuf,
    },
    /// Writes what is sold and has a sku, as `import` reads it.
    Export {
        /// Where to; else to the standard output.
        file: Option<PathBuf>,
        /// Else as the file's name ends, or CSV.
        #[arg(long)]
        format: Option<commands::Format>,
    },
    /// How a circuit breaker stands, and orders to it.
    Breaker {
        /// What it is told.
        order: commands::Order,
        /// The payment provider's is called payments.
        name: String,
    },
    /// The plan of every statement of the functions, on the data that are there.
    Explain {
        /// Only of those whose names begin with this: orders, orders.list.
        statement: Option<String>,
    },
    Stats(stats::Arguments),
    /// How many crates are linked into each function, and how large it is.
    Sizes {
        /// Makes the release build first.
        #[arg(long)]
        build: bool,
    },
    /// The gate: what CI runs.
    Test,
    /// Sends the messages of the dead-letter queue back to the queue they came from.
    Redrive,
    #[cfg(feature = "trials")]
    Bench(measure::bench::Arguments),
    #[cfg(feature = "trials")]
    Load(measure::load::Arguments),
    #[cfg(feature = "trials")]
    Chaos(chaos::Arguments),
    /// A shell in the database, as its owner.
    #[command(disable_help_flag = true)]
    Psql {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// A shell in Redis.
    #[command(disable_help_flag = true)]
    Redis {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Says what is wrong with a command's words, if anything is: for `./dev`, before it compiles for that command.
    #[command(hide = true, disable_help_flag = true)]
    Judge {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
    /// The supervisor of `up --detach`.
    #[command(hide = true)]
    Supervise,
    /// The dispatcher's process.
    #[command(hide = true)]
    Dispatch,
    /// The console's process.
    #[command(hide = true)]
    Console,
    /// Serves the functions, of a finished build if one is named.
    #[command(hide = true)]
    Serve {
        profile: Option<String>,
    },
    /// The payment provider's process.
    #[command(hide = true)]
    Payments(provider::Arguments),
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
        Command::Judge { words } => Ok(judge(&words)),
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

/// The status by which `./dev` knows that these words are refused; an older program refuses `judge` itself with
/// another.
const REFUSED: u8 = 64;

fn judge(words: &[String]) -> ExitCode {
    match Cli::try_parse_from(std::iter::once("dev").chain(words.iter().map(String::as_str))) {
        // Built without the command, so that it cannot know.
        Err(error) if error.kind() == ErrorKind::InvalidSubcommand => ExitCode::SUCCESS,
        Err(error) if error.use_stderr() => {
            progress::say(error.to_string().trim_end());
            ExitCode::from(REFUSED)
        }
        _ => ExitCode::SUCCESS,
    }
}

async fn run(command: Command) -> Result<ExitCode> {
    if let Command::Payments(arguments) = command {
        provider::run(arguments).await?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Command::Doctor { addresses } = command {
        return doctor::doctor(&addresses).await;
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
        Command::Import { file } => return commands::import(&folder, &given::file(file)).await,
        Command::Export { file, format } => {
            commands::export(&folder, file.map(given::file).as_deref(), format).await?;
        }
        Command::Breaker { order, name } => commands::breaker(&folder, order, &name).await?,
        #[cfg(feature = "trials")]
        Command::Bench(arguments) => measure::bench::run(&folder, &arguments).await?,
        #[cfg(feature = "trials")]
        Command::Load(arguments) => return measure::load::run(&folder, &arguments).await,
        Command::Explain { statement } => return explain::explain(folder, statement.as_deref()).await,
        Command::Sizes { build } => commands::sizes(&folder, build).await?,
        Command::Stats(arguments) => stats::run(folder, arguments).await?,
        Command::Test => return gate::run(&folder).await,
        Command::Redrive => commands::redrive(folder).await?,
        #[cfg(feature = "trials")]
        Command::Chaos(arguments) => return chaos::run(&folder, arguments).await,
        Command::Psql { arguments } => commands::psql(&folder, &arguments)?,
        Command::Redis { arguments } => commands::redis(&folder, &arguments)?,
        Command::Supervise => supervisor::run(Cloud::open(folder)?, |_| Ok(())).await?,
        Command::Serve { profile } => serving::serve(&Cloud::open(folder)?, profile.as_deref()).await?,
        Command::Open => commands::open(&folder)?,
        Command::Console => console::run(Cloud::open(folder)?).await?,
        Command::Dispatch => serving::dispatch(&Cloud::open(folder)?).await?,
        Command::Doctor { .. } | Command::Payments(_) | Command::Launch { .. } | Command::Judge { .. } => {}
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// An exit code can be compared with nothing but what it shows.
    fn judged(words: &str) -> String {
        let words: Vec<_> = words.split_whitespace().map(str::to_owned).collect();
        format!("{:?}", judge(&words))
    }

    #[test]
    fn wrong_words_are_refused_and_those_of_a_command_that_is_not_built_are_not_judged() {
        let (refused, good) = (format!("{:?}", ExitCode::from(REFUSED)), format!("{:?}", ExitCode::SUCCESS));
        for words in ["logs --nonsense", "breaker", "breaker nonsense payments", "stop nobody"] {
            assert_eq!(judged(words), refused, "{words}");
        }
        for words in ["logs --follow", "nonsense --users 1", "down --help"] {
            assert_eq!(judged(words), good, "{words}");
        }
        #[cfg(feature = "trials")]
        for words in [
            "load --users nobody",
            "load --nonsense",
            "load --scale 0",
            "bench --scale x",
            "bench --scale 1001",
            "bench nonsense",
            "chaos --seed x",
        ] {
            assert_eq!(judged(words), refused, "{words}");
        }
        #[cfg(feature = "trials")]
        for words in ["bench", "bench product", "bench get-product --scale 1000"] {
            assert_eq!(judged(words), good, "{words}");
        }
    }

    #[test]
    fn every_command_and_all_that_it_takes_is_explained_where_help_is_asked_for() {
        let cli = Cli::command();
        for command in cli.get_subcommands().filter(|command| !command.is_hide_set()) {
            let name = command.get_name();
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(about.split(' ').count() > 2, "{name}: {about:?}");
            if command.is_disable_help_flag_set() {
                continue;
            }
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{name}: {}", argument.get_id());
            }
            assert!(include_str!("../help.txt").contains(&format!("\n  {name} ")), "{name}");
        }
    }
}
