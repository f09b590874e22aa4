//! `./dev load`: ten thousand virtual users, and whether the shop keeps its promises to them.
//!
//! | module | holds |
//! |---|---|
//! | `shop` | sends every request when it is due |
//! | `arguments` | what was asked for |
//! | `outages`, `ceiling` | `--faults`, `--ceiling` |
//! | `answers`, `watch`, `waited` | what customers saw; what is seen from outside and in the log; orders that waited |
//! | `processors` | who keeps the machine busy |
//! | `run` | all of that at once |
//! | `sweep` | several runs, beside each other; ours, and those of the twins in Node.js |
//! | `verdict`, `text`, `page`, `plots` | whether the goals held; for the terminal; for the browser |
//!
//! Customers do not come through HTTP: their requests are given to the [`Fleet`] as the events that API Gateway would
//! make of them, because a server and a client of HTTP would take more of this machine's processors than the functions
//! do. Webhooks, queues and schedules come through the doors, as in `./dev up`.

mod answers;
mod arguments;
mod ceiling;
mod outages;
mod page;
mod plots;
mod processors;
mod run;
mod shop;
mod sweep;
mod text;
mod verdict;
mod waited;
mod watch;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

pub use arguments::Arguments;

use crate::bench::node::Node;
use cloud::Cloud;
use cloud::demo;
use cloud::folder::Folder;
use cloud::own_cloud::OwnCloud;
use cloud::progress::{say, tell};
use cloud::service::Service;
use cloud::serving;
use customers::journeys;
use customers::traffic::Traffic;
use lambda::runtime_api::{Fleet, Settings};
use provider::{Control, WebhookChange};
use run::Run;
use shared::config::Unpaid;
use shop::Shop;
use sweep::Sweep;
use waited::Told;

/// The folder of the cloud under load.
const CLOUD: &str = ".dev-load";
/// Stripe's events come about so long after what they tell of. At once, they would find most orders unsettled and each
/// cost a message.
const WEBHOOKS_LATE: Duration = Duration::from_secs(1);
/// What docs/operations.md has an endpoint at Stripe subscribed to. Of a payment it is one event; all would be three.
const SUBSCRIBED: [&str; 9] = [
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "charge.refunded",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "radar.early_fraud_warning.created",
];

/// Starts a cloud, lets customers in, tells. The exit status says whether every goal held, of ours.
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
        let node = if arguments.node {
            Some(Node::prepare(&folder.root, &own.log("node"), !arguments.no_build).await?)
        } else {
            None
        };
        own.start_afresh().await?;
        // Their place is taken by a fleet in this process.
        own.dev(&["stop", Service::Functions.name()]).await?;
        under_load(&own.open()?, arguments, length, node.as_ref()).await
    };
    let sweeps = own.at_work(Box::pin(work)).await?;
    tell_of(folder, arguments, &sweeps)?;
    let ours = sweeps.first().is_some_and(Sweep::held);
    Ok(if ours { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Ours first.
async fn under_load(
    cloud: &Cloud,
    arguments: &Arguments,
    length: Duration,
    node: Option<&Node>,
) -> Result<Vec<Sweep>> {
    let delay_ms = Some(u64::try_from(WEBHOOKS_LATE.as_millis())?);
    let provider = Control::new(&cloud.http(Service::Payments)?)?;
    let enabled_events = Some(SUBSCRIBED.map(str::to_owned).to_vec());
    provider.webhooks(&WebhookChange { delay_ms, enabled_events, ..WebhookChange::default() }).await?;
    provider.limit(arguments.provider_limit).await?;
    // A shop that is emptied by ten minutes of trade would answer 409, rightly.
    cloud.sql("update inventory set available = 1000000").await?;
    let programs = std::iter::once(None).chain(node.map(Some));
    let mut sweeps: Vec<_> =
        programs.map(|node| (node, Sweep::new(node.map(|node| node.version.clone()), arguments))).collect();
    // In turn, so that what a busy machine takes from one it takes from the other.
    while sweeps.iter().any(|(_, sweep)| sweep.next().is_some()) {
        for (node, sweep) in &mut sweeps {
            if let Some(users) = sweep.next() {
                sweep.add(serve(cloud, arguments, users, length, *node).await?);
            }
        }
    }
    Ok(sweeps.into_iter().map(|(_, sweep)| sweep).collect())
}

/// One run, of our functions or of the twins of those that have one.
async fn serve(
    cloud: &Cloud,
    arguments: &Arguments,
    users: u64,
    length: Duration,
    node: Option<&Node>,
) -> Result<Run> {
    let mut settings = settings(cloud, arguments, users, length)?;
    if let Some(node) = node {
        in_node(&mut settings, node)?;
    }
    let fleet = Arc::new(Fleet::start(settings).await?);
    let shop = Arc::new(Shop {
        fleet: Arc::clone(&fleet),
        traffic: Traffic::new(cloud, arguments.scale)?,
        told: Told::default(),
    });
    let whose = node.map_or_else(String::new, |node| format!(" of Node.js {}", node.version));
    say(format_args!("\n  {users} users{whose}, {} minutes:", arguments.minutes));
    let outages = arguments.faults.then_some(arguments.provider_limit);
    let run = tokio::select! {
        run = run::perform(cloud, &shop, users, length, outages) => run?,
        opened = serving::open(cloud, fleet) => anyhow::bail!("the doors have closed: {opened:?}"),
    };
    Ok(Run { node: node.map(|node| node.version.clone()), ..run })
}

/// As many environments as so many users may need. Several of them share an account, which may leave unpaid what all of
/// them may.
fn settings(cloud: &Cloud, arguments: &Arguments, users: u64, length: Duration) -> Result<Settings> {
    let mut settings = serving::settings(cloud, "release")?;
    for (name, function) in &mut settings.functions {
        if let Some(environments) = journeys::environments(name, users) {
            function.environments = environments;
        }
    }
    let open_for = outages::breaker_open_for(length).as_secs().to_string();
    settings.environment.push(("BREAKER_OPEN_SECONDS".to_owned(), open_for));
    settings.environment.push(("PAYMENTS_RATE_LIMIT".to_owned(), arguments.provider_limit.to_string()));
    let sharing = users.div_ceil(demo::USERS * u64::from(arguments.scale));
    let Unpaid { orders, pieces } = Unpaid::USUAL;
    for (name, of_one) in [("UNPAID_ORDERS_LIMIT", orders), ("UNPAID_PIECES_LIMIT", pieces)] {
        settings.environment.push((name.to_owned(), (u64::from(of_one) * sharing).to_string()));
    }
    Ok(settings)
}

/// Puts the twins into the place of the functions that have one. What has none stays ours: the worker, the sweeper, the
/// webhook.
fn in_node(settings: &mut Settings, node: &Node) -> Result<()> {
    for (name, function) in &mut settings.functions {
        ensure!(!node.lacks(name), "the twin of {name} is not built: leave --no-build out");
        if let Some(command) = node.command(name, function.memory_mb) {
            function.command = command;
        }
    }
    Ok(())
}

/// Tells of every run, and of all of them beside each other where there are several.
fn tell_of(folder: &Folder, arguments: &Arguments, sweeps: &[Sweep]) -> Result<()> {
    let runs = || sweeps.iter().flat_map(|sweep| &sweep.runs);
    let several = runs().count() > 1;
    let command = arguments.command();
    for run in runs() {
        let text = text::of(run);
        tell(text.trim_end());
        let name = arguments.name(&run.users.to_string(), run.node.is_some());
        // Of many runs the page of all of them is kept: each for itself would be a dozen.
        let place = place(folder, &name, run, arguments.save && !several)?;
        write(folder, &place, &page::of(run, &command), &text)?;
    }
    if let Some(first) = runs().next().filter(|_| several) {
        let text = sweep::text::of(sweeps);
        tell(text.trim_end());
        let about = if arguments.ceiling { "ceiling" } else { "sweep" };
        let place = place(folder, &arguments.name(about, arguments.node), first, arguments.save)?;
        write(folder, &place, &sweep::page::of(sweeps, &command), &text)?;
    }
    Ok(())
}

/// Where a page about what began with this run lies, without its extension.
fn place(folder: &Folder, name: &str, run: &Run, keep: bool) -> Result<PathBuf> {
    let format = time::macros::format_description!("[year]-[month]-[day]-[hour][minute]");
    Ok(if keep {
        folder.root.join("docs/benchmarks").join(format!("{}-{name}", run.begun.format(format)?))
    } else {
        folder.root.join(CLOUD).join(name)
    })
}

/// Writes the page, and the tables beside it.
fn write(folder: &Folder, place: &Path, page: &str, text: &str) -> Result<()> {
    fs::create_dir_all(place.parent().context("a folder")?)?;
    let file = place.with_extension("html");
    fs::write(&file, page)?;
    fs::write(place.with_extension("txt"), text)?;
    tell(format_args!("\n  With plots: {}", file.strip_prefix(&folder.root).unwrap_or(&file).display()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::SUBSCRIBED;

    #[test]
    fn the_shop_hears_of_what_its_operators_are_told_to_subscribe_to() {
        let operations = include_str!("../../../../docs/operations.md");
        let (_, after) = operations.split_once("add the endpoint").expect("where the endpoint is added");
        let (events, _) = after.split_once("store the signing secret").expect("and its secret stored");
        let named: Vec<_> =
            events.split('`').filter(|word| word.contains('.') && !word.contains(['<', ' '])).collect();
        assert_eq!(named, SUBSCRIBED);
    }
}
