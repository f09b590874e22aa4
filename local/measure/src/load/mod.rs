//! `./dev load`: ten thousand virtual users, and whether the shop keeps its promises to them.
//!
//! | module | holds |
//! |---|---|
//! | `shop` | sends every request when it is due |
//! | `outages`, `ceiling` | `--faults`, `--ceiling` |
//! | `answers`, `watch`, `waited` | what customers saw; what is seen from outside and in the log; orders that waited |
//! | `run` | all of that at once |
//! | `verdict`, `text`, `page`, `plots` | whether the goals held; for the terminal; for the browser |
//!
//! Customers do not come through HTTP: their requests are given to the [`Fleet`] as the events that API Gateway would
//! make of them, because a server and a client of HTTP would take more of this machine's processors than the functions
//! do. Webhooks, queues and schedules come through the doors, as in `./dev up`.

mod answers;
mod ceiling;
mod outages;
mod page;
mod plots;
mod run;
mod shop;
mod text;
mod verdict;
mod waited;
mod watch;

use std::fs;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use ceiling::Ceiling;
use cloud::folder::Folder;
use cloud::own_cloud::OwnCloud;
use cloud::progress::{say, tell};
use cloud::service::Service;
use cloud::serving;
use cloud::{Cloud, DATABASE};
use customers::journeys;
use customers::traffic::Traffic;
use lambda::runtime_api::{Fleet, Settings};
use provider::{Control, WebhookChange};
use run::Run;
use shop::Shop;

/// The folder of the cloud under load.
const CLOUD: &str = ".dev-load";
/// Stripe's events come about so long after what they tell of. At once, they would find most orders unsettled and each
/// cost a message.
const WEBHOOKS_LATE: Duration = Duration::from_secs(1);

/// What `./dev load` takes.
#[derive(clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Arguments {
    /// How many users; several numbers with commas between them are tried one after the other.
    #[arg(long, value_delimiter = ',', default_value = "10000", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    users: Vec<u64>,
    /// Looks for the largest number for which every goal holds: doubled from the first of --users until one gives out,
    /// then the gap is halved down to a tenth.
    #[arg(long)]
    ceiling: bool,
    /// How long, for each number of users.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Takes the payment provider and Redis away in the middle.
    #[arg(long)]
    faults: bool,
    /// How many calls a second the payment provider takes for each of its endpoints, as Stripe does.
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u32).range(5..))]
    provider_limit: u32,
    /// Stores the page and the tables under docs/benchmarks/.
    #[arg(long)]
    save: bool,
    /// Serves what is built already.
    #[arg(long)]
    no_build: bool,
    /// How many times the usual demo data.
    #[arg(long, default_value_t = 1)]
    scale: u32,
}

/// Starts a cloud, lets customers in, tells. The exit status says whether every goal held.
pub async fn run(folder: &Folder, arguments: &Arguments) -> Result<ExitCode> {
    let length =
        Duration::try_from_secs_f64(arguments.minutes * 60.0).context("--minutes is not a length of time")?;
    ensure!(length >= Duration::from_secs(10), "--minutes must be at least 0.2");
    let own = OwnCloud::of_release(folder, CLOUD, arguments.scale)?;
    let work = async {
        if !arguments.no_build {
            let cloud = own.open()?;
            let functions: Vec<_> =
                cloud.written_functions().map(|function| function.name.as_str()).collect();
            own.build(&functions).await?;
        }
        own.dev(&["reset"]).await?;
        own.dev(&["up", "--detach"]).await?;
        // Their place is taken by a fleet in this process.
        own.dev(&["stop", Service::Functions.name()]).await?;
        under_load(&own.open()?, arguments, length).await
    };
    let (runs, ceiling) = own.at_work(Box::pin(work)).await?;
    for run in &runs {
        tell(text::of(run).trim_end());
        report(folder, run, arguments)?;
    }
    if runs.len() > 1 {
        tell(text::sweep(&runs).trim_end());
    }
    if let Some(ceiling) = &ceiling {
        tell(text::ceiling(ceiling, &runs).trim_end());
    }
    // A ceiling is found by going above it.
    let held = ceiling.map_or_else(|| runs.iter().all(verdict::held), |ceiling| ceiling.holds() > 0);
    Ok(if held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn under_load(
    cloud: &Cloud,
    arguments: &Arguments,
    length: Duration,
) -> Result<(Vec<Run>, Option<Ceiling>)> {
    let delay_ms = Some(u64::try_from(WEBHOOKS_LATE.as_millis())?);
    let provider = Control::new(&cloud.http(Service::Payments)?)?;
    provider.webhooks(&WebhookChange { delay_ms, ..WebhookChange::default() }).await?;
    provider.limit(arguments.provider_limit).await?;
    // A shop that is emptied by ten minutes of trade would answer 409, rightly.
    cloud.sql(Service::Postgres, DATABASE, "update inventory set available = 1000000").await?;
    let mut runs = Vec::new();
    let outages = arguments.faults.then_some(arguments.provider_limit);
    let mut ceiling = arguments.ceiling.then(|| Ceiling::from(arguments.users[0]));
    let mut listed = arguments.users.iter().copied();
    while let Some(users) = ceiling.as_ref().map_or_else(|| listed.next(), Ceiling::next) {
        let fleet = Arc::new(Fleet::start(settings(cloud, users, length, arguments.provider_limit)?).await?);
        let shop =
            Arc::new(Shop { fleet: Arc::clone(&fleet), traffic: Traffic::new(cloud, arguments.scale)? });
        say(format_args!("\n  {} users, {} minutes:", users, arguments.minutes));
        let run = tokio::select! {
            run = run::perform(cloud, &shop, users, length, outages) => run?,
            opened = serving::open(cloud, fleet) => anyhow::bail!("the doors have closed: {opened:?}"),
        };
        if let Some(ceiling) = &mut ceiling {
            ceiling.learn(users, verdict::held(&run));
        }
        runs.push(run);
    }
    Ok((runs, ceiling))
}

/// As many environments as so many users may need.
fn settings(cloud: &Cloud, users: u64, length: Duration, provider_limit: u32) -> Result<Settings> {
    let mut settings = serving::settings(cloud, "release")?;
    for (name, function) in &mut settings.functions {
        if let Some(environments) = journeys::environments(name, users) {
            function.environments = environments;
        }
    }
    let open_for = outages::breaker_open_for(length).as_secs().to_string();
    settings.environment.push(("BREAKER_OPEN_SECONDS".to_owned(), open_for));
    settings.environment.push(("PAYMENTS_RATE_LIMIT".to_owned(), provider_limit.to_string()));
    Ok(settings)
}

/// Writes the page, and the tables beside it.
fn report(folder: &Folder, run: &Run, arguments: &Arguments) -> Result<()> {
    let scale = (arguments.scale > 1).then(|| format!("scale-{}", arguments.scale));
    let faults = arguments.faults.then(|| "faults".to_owned());
    let name = [Some(format!("load-{}", run.users)), scale, faults];
    let name = name.into_iter().flatten().collect::<Vec<_>>().join("-");
    let place = if arguments.save {
        let format = time::macros::format_description!("[year]-[month]-[day]-[hour][minute]");
        folder.root.join("docs/benchmarks").join(format!("{}-{name}", run.begun.format(format)?))
    } else {
        folder.root.join(CLOUD).join(name)
    };
    fs::create_dir_all(place.parent().context("a folder")?)?;
    let page = place.with_extension("html");
    fs::write(&page, page::of(run, &command(run, arguments)))?;
    fs::write(place.with_extension("txt"), text::of(run))?;
    tell(format_args!("\n  With plots: {}", page.strip_prefix(&folder.root).unwrap_or(&page).display()));
    Ok(())
}

fn command(run: &Run, arguments: &Arguments) -> String {
    let words = [
        Some(format!("./dev load --users {} --minutes {}", run.users, arguments.minutes)),
        (arguments.scale > 1).then(|| format!("--scale {}", arguments.scale)),
        arguments.faults.then(|| "--faults".to_owned()),
        (arguments.provider_limit != 25).then(|| format!("--provider-limit {}", arguments.provider_limit)),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}
