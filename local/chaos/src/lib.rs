//! `./dev chaos`: the shop under load while everything around it fails, and an audit of what came of it.
//!
//! | module | holds |
//! |---|---|
//! | `journeys`, `customer`, `shopkeeper`, `door` | what people do, as good clients, through the functions' front door |
//! | `imports` | a supplier whose files are imported meanwhile, and what has to come of them |
//! | `faults`, `strikes` | what goes wrong and when, from the seed; how it is done |
//! | `world`, `services`, `binaries`, `queue`, `shop` | what a run consists of |
//! | `lines`, `relay` | the functions' ways to the servers, which slow down, hold back and break |
//! | `witness`, `freshness`, `chronicle` | what clients were told; who read which version of a product; what struck when |
//! | `canary` | how fast the machine itself was |
//! | `aftermath` | until every order is finished |
//! | `audit`, `liveness`, `deadlocks`, `report` | the figures, and what a run leaves behind |
//! | `dice` | everything random, from the seed |
//!
//! The same seed plans the same faults and the same journeys. When which step meets which fault is up to the machine,
//! so a seed that found something is run again, not replayed to the microsecond.

mod aftermath;
mod audit;
mod binaries;
mod canary;
mod chronicle;
mod customer;
mod deadlocks;
mod dice;
mod door;
mod faults;
mod freshness;
mod imports;
mod journeys;
mod lines;
mod liveness;
mod queue;
mod relay;
mod report;
mod services;
mod shop;
mod shopkeeper;
mod strikes;
mod witness;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use time::OffsetDateTime;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use audit::{Books, Evidence};
use chronicle::{Chronicle, Span};
use cloud::Cloud;
use cloud::ending::told_to_end;
use cloud::folder::Folder;
use cloud::progress::{say, seconds, step, tell};
use cloud::service::Service;
use cloud::{environment, given, lifecycle, supervisor};
use deadlocks::deadlocks;
use dice::Dice;
use faults::{Fault, Planned, Schedule};
use imports::Supplier;
use liveness::Calm;
use report::Report;
use services::Services;
use world::World;

/// How often a run says how far it is.
const TELL_EVERY: Duration = Duration::from_secs(15);
/// How often a fault is tried that cannot strike yet.
const TRIES: u32 = 8;
/// How long the last calm may take.
const LONGEST_CALM: Duration = Duration::from_secs(90);
/// How often banks answer.
const BANKS_EVERY: Duration = Duration::from_secs(3);

/// What a person may choose.
#[derive(Args, Clone, Debug)]
#[command(about = "Customers buy in a cloud of its own while its parts fail; then everything is audited")]
pub struct Arguments {
    /// How long faults strike, in minutes
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// What decides on faults and journeys; else one by chance, which the report names
    #[arg(long)]
    seed: Option<u64>,
    /// Where the report goes besides the terminal
    #[arg(long)]
    report: Option<PathBuf>,
    /// Only the kinds of faults whose names hold one of these words; functions die at kill points all the same
    #[arg(long, num_args = 1.., value_name = "WORD")]
    only: Vec<String>,
    /// The folder of the run's own cloud, beside whatever runs already; all that is in it is wiped
    #[arg(long, default_value = ".dev-chaos")]
    folder: String,
}

/// Runs once. The exit status tells whether every promise was kept.
pub async fn run(folder: &Folder, arguments: Arguments) -> Result<ExitCode> {
    let length =
        Duration::try_from_secs_f64(arguments.minutes * 60.0).context("--minutes is not a length of time")?;
    ensure!(length >= Duration::from_secs(10), "--minutes must be at least 0.2");
    let kinds = faults::chosen(&arguments.only);
    ensure!(!kinds.is_empty(), "no fault has such a name: {:?}", arguments.only);
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(1..100_000));
    let name = &arguments.folder;
    let folder = Folder::named(&folder.root, name)?;
    // Yesterday's orders must not decide today's figures.
    lifecycle::reset(&folder).await?;
    // What was wiped is made again.
    let folder = Folder::named(&folder.root, name)?;
    let mut cloud = Cloud::open(folder)?;
    let _lock = supervisor::take_lock(&cloud.folder)?;
    ensure!(Service::Pgbouncer.is_available(), "chaos needs PgBouncer, which is not on the PATH");
    cloud.choose_ports()?;
    environment::write(&cloud)?;
    let services = Arc::new(Services::new(cloud).await?);
    let told = told_to_end()?;
    let passed = tokio::select! {
        passed = perform(&services, seed, length, &kinds, &arguments) => passed,
        why = told => Err(anyhow::anyhow!(why)),
    };
    // Before anything else: a run that leaves servers behind has not passed.
    services.end().await?;
    Ok(if passed? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn perform(
    services: &Arc<Services>,
    seed: u64,
    length: Duration,
    kinds: &[Fault],
    arguments: &Arguments,
) -> Result<bool> {
    let functions = world::FUNCTIONS.map(|(name, ..)| name);
    let binaries = binaries::build(services.cloud(), &functions).await?;
    step("Starting the servers", services.start()).await?;
    shop::open(services.cloud()).await.context("the shop could not be opened")?;
    let world = Arc::new(World::new(seed, Arc::clone(services), &binaries).await?);
    let work = world.open().await?;
    let (begun, opened) = (OffsetDateTime::now_utc(), Instant::now());
    say(format_args!("  Seed {seed}: faults for {}", seconds(length)));

    let mut supplier = Supplier::new(&world)?;
    let struck = strike_while_open(&world, &mut supplier, length, kinds).await?;
    // No fault is left.
    world.provider.end_faults().await?;
    let (open_for, closed) = (opened.elapsed(), Instant::now());
    let unfinished = step("Settling", aftermath::settle(&world)).await?;
    let settled_within = (unfinished == 0).then(|| closed.elapsed());
    if unfinished > 0 {
        say(format_args!("  {unfinished} orders are not finished and never will be"));
    }
    aftermath::browse(&world).await;
    supplier.finish(services.cloud()).await;
    drop(work);

    let logs = &services.cloud().folder;
    let log = std::fs::read_to_string(logs.log("update-product"))?;
    let postgres = String::from_utf8_lossy(&std::fs::read(logs.log(Service::Postgres.name()))?).into_owned();
    world.witness.freshness(|freshness| freshness.learn_losses(&log));
    let books = books(services.cloud()).await?;
    let (ledger, seen) = (world.provider.ledger().await?, world.witness.seen());
    let evidence = Evidence::new(&books, &ledger, &seen);
    let supplied = supplier.figure(services.cloud()).await?;
    let clock = world.canary.clock();
    let mut figures = Vec::from(evidence.figures());
    let calm = Calm { chronicle: &struck, clock: &clock };
    figures.extend([supplied, calm.purchases(&seen.purchases), calm.submissions(&seen.submissions)]);
    let report = Report {
        command: command(seed, arguments),
        seed,
        begun,
        open_for,
        settled_within,
        figures: &figures,
        machine_speeds: clock.speeds(),
        orders: evidence.orders_by_status(),
        orphans: evidence.orphans(),
        seen: &seen,
        faults: struck.counts(),
        chronicle: &struck,
        kinds,
        struck: &world.requests_struck(),
        deaths: &world.deaths()?,
        deadlocks: deadlocks(&postgres),
    };
    let text = report.text();
    tell(format_args!("\n{text}"));
    let named = arguments.report.as_ref().map(given::file);
    let path = named.unwrap_or_else(|| services.cloud().folder.path.join("report.md"));
    std::fs::write(&path, &text).with_context(|| format!("cannot write {}", path.display()))?;
    say(format_args!("  The report: {}", path.display()));
    Ok(report.passes())
}

/// Customers, imports and faults at once, until all faults have struck and a calm has passed. What struck when.
async fn strike_while_open(
    world: &Arc<World>,
    supplier: &mut Supplier,
    length: Duration,
    kinds: &[Fault],
) -> Result<Chronicle> {
    let opened = Instant::now();
    let mut people = JoinSet::new();
    for seat in 0..journeys::CUSTOMERS {
        let world = Arc::clone(world);
        people.spawn(async move { journeys::live(&world, seat).await });
    }
    let struck = Mutex::new(Chronicle::default());
    tokio::select! {
        () = tell_how_far(world, opened, length, &struck) => {}
        () = banks(world) => {}
        () = world.canary.sing() => {}
        kept = async {
            let strikes = async {
                strike_all(world, opened, length, kinds, &struck).await?;
                last_calm(world, people, &struck).await
            };
            futures::future::join(strikes, supplier.supply(world)).await.0
        } => kept?,
    }
    Ok(struck.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Every fault in its time, and the calms between them. Afterwards nothing strikes any more.
async fn strike_all(
    world: &World,
    opened: Instant,
    length: Duration,
    kinds: &[Fault],
    struck: &Mutex<Chronicle>,
) -> Result<()> {
    let Schedule { strikes, calms } = faults::schedule(world.seed, length, kinds);
    let strikes = (0..).zip(strikes);
    let strikes = strikes.map(|(number, planned)| strike_at(world, opened, planned, number, struck));
    let rests = async {
        for between in calms {
            sleep_until(opened + between.start).await;
            calm(world, opened + between.end, struck).await?;
        }
        anyhow::Ok(())
    };
    futures::future::join(futures::future::join_all(strikes), rests).await.1
}

/// Nobody dies at a kill point until then.
async fn calm(world: &World, until: Instant, struck: &Mutex<Chronicle>) -> Result<()> {
    world.let_die(false)?;
    let began = Instant::now();
    sleep_until(until).await;
    note(struck).rested(Span::since(began));
    world.let_die(true)
}

/// Nobody dies any more, and the shop closes: not before somebody who came in the calm has an answer, however slow the
/// machine is, if it takes no longer than a shop that answers nobody should be waited for.
async fn last_calm(world: &World, people: JoinSet<()>, struck: &Mutex<Chronicle>) -> Result<()> {
    world.let_die(false)?;
    let (began, quiet) = (Instant::now(), OffsetDateTime::now_utc() + liveness::QUIET);
    sleep(faults::CALM).await;
    while !world.witness.has_answered_since(quiet) && began.elapsed() < LONGEST_CALM {
        sleep(Duration::from_millis(100)).await;
    }
    world.close();
    people.join_all().await;
    note(struck).rested(Span::since(began));
    Ok(())
}

async fn strike_at(world: &World, opened: Instant, planned: Planned, number: u64, struck: &Mutex<Chronicle>) {
    sleep_until(opened + planned.at).await;
    let mut dice = Dice::new(world.seed, 1_000_000 + number);
    let began = Instant::now();
    for tries_left in (0..TRIES).rev() {
        match strikes::strike(world, planned.fault, planned.length, &mut dice).await {
            Ok(()) => return note(struck).struck(planned.fault, Span::since(began)),
            // The provider takes no orders while it is away itself, for one.
            Err(_) if tries_left > 0 => sleep(Duration::from_secs(1)).await,
            Err(error) => say(format_args!("  {} did not strike: {error:#}", planned.fault.name())),
        }
    }
}

fn note(struck: &Mutex<Chronicle>) -> MutexGuard<'_, Chronicle> {
    struck.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Banks answer, for ever.
async fn banks(world: &World) {
    let mut dice = Dice::new(world.seed, 3);
    loop {
        sleep(BANKS_EVERY).await;
        // While Postgres or the provider is away they wait for the next time.
        aftermath::banks_answer(world, &mut dice).await.ok();
    }
}

/// Says how far the run is, for ever.
async fn tell_how_far(world: &World, opened: Instant, length: Duration, struck: &Mutex<Chronicle>) {
    loop {
        sleep(TELL_EVERY).await;
        let faults: usize = note(struck).counts().values().sum();
        say(format_args!(
            "  {} of {}: {} orders, {faults} faults, {} functions died at kill points",
            seconds(opened.elapsed()),
            seconds(length),
            world.witness.orders(),
            world.deaths().map_or(0, |deaths| deaths.values().sum())
        ));
    }
}

async fn books(cloud: &Cloud) -> Result<Books> {
    let books = cloud.sql(include_str!("audit.sql")).await?;
    serde_json::from_str(&books).context("the audit cannot read the database's books")
}

fn command(seed: u64, arguments: &Arguments) -> String {
    let words: Vec<_> = arguments.only.iter().map(|word| format!(" '{word}'")).collect();
    let only = if words.is_empty() { String::new() } else { format!(" --only{}", words.concat()) };
    format!("./dev chaos --minutes {} --seed {seed}{only}", arguments.minutes)
}
