//! `./dev bench`: what a request costs, beside a handler that does nothing and beside the run that was stored last.
//!
//! | module | holds |
//! |---|---|
//! | `cases` | one typical request for each endpoint |
//! | `measure` | starts, times, processor time, memory, round trips of one case |
//! | `run` | the times of a run |
//! | `instructions` | the same, counted by valgrind |
//! | `node`, `alike` | the same endpoints in Node.js, and that they answer as ours do |
//! | `counts`, `sizes` | where the figures come from, besides `usage` |
//! | `cost` | what a million requests cost on Lambda |
//! | `verdict` | which goals hold |
//! | `report`, `columns`, `text`, `page` | how all of it is kept and shown |

mod alike;
mod cases;
mod columns;
mod cost;
mod counts;
mod instructions;
mod measure;
mod node;
mod page;
mod report;
mod run;
mod sizes;
mod text;
mod verdict;

use std::fs;
use std::sync::atomic::AtomicU64;

use anyhow::Result;
use time::OffsetDateTime;

use cases::{CASES, Case, FLOOR};
use cloud::figures::machine;
use cloud::folder::Folder;
use cloud::own_cloud::OwnCloud;
use cloud::progress::{say, step};
use cloud::service::Service;
use customers::traffic::Traffic;
use measure::{Bench, Candidate, MEMORY_MB};
use node::Node;
use provider::Control;
use report::{Figures, Measured, Report};

/// The folder of the benchmark's cloud.
const CLOUD: &str = ".dev-bench";

/// What `./dev bench` takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only cases whose name or function has this in it; the empty handler always.
    only: Option<String>,
    /// Stores the run under docs/benchmarks/ with these words about it.
    #[arg(long)]
    save: Option<String>,
    /// Leaves instructions uncounted, which takes half of the time.
    #[arg(long)]
    no_instructions: bool,
    /// Measures the same endpoints in Node.js too; needs it and npm.
    #[arg(long)]
    node: bool,
    /// Measures what is built already.
    #[arg(long)]
    no_build: bool,
    /// How many times the usual demo data: 10 is 100,000 products and 500,000 orders.
    #[arg(long, default_value_t = 1)]
    scale: u32,
}

/// Builds, measures, shows, and stores if asked to.
pub async fn run(folder: &Folder, arguments: &Arguments) -> Result<()> {
    let cases: Vec<_> = CASES.iter().filter(|case| is_wanted(case, arguments.only.as_deref())).collect();
    let own = OwnCloud::of_release(folder, CLOUD, arguments.scale)?;
    if !arguments.no_build {
        let mut packages: Vec<_> = cases.iter().map(|case| case.function).collect();
        packages.dedup();
        own.build(&packages).await?;
    }
    let node = if arguments.node {
        Some(Node::prepare(&folder.root, &own.log("node"), !arguments.no_build).await?)
    } else {
        None
    };
    own.dev(&["reset"]).await?;
    let outcome = async {
        own.dev(&["up", "--detach"]).await?;
        // It would send the sweeper into the middle of a measurement.
        own.dev(&["stop", Service::Dispatcher.name()]).await?;
        measure(&own, &cases, node.as_ref(), arguments).await
    };
    let outcome = outcome.await;
    own.dev(&["down"]).await?;
    let report = outcome?;
    let stored = report::folder(&folder.root);
    let previous = Report::previous(&stored)?;
    print!("\n{}", text::of(&report, previous.as_ref()));
    let place = match &arguments.save {
        Some(_) => {
            let name = report.date.replace(' ', "-").replace(':', "");
            fs::create_dir_all(&stored)?;
            stored.join(name)
        }
        None => folder.root.join(CLOUD).join("bench"),
    };
    report.write(&place.with_extension("json"))?;
    let page = place.with_extension("html");
    fs::write(&page, page::of(&report, previous.as_ref()))?;
    println!("\n  With plots: {}", page.strip_prefix(&folder.root).unwrap_or(&page).display());
    Ok(())
}

fn is_wanted(case: &Case, only: Option<&str>) -> bool {
    only.is_none_or(|words| {
        case.name.contains(words) || case.function.contains(words) || case.name == FLOOR.name
    })
}

async fn measure(
    own: &OwnCloud,
    cases: &[&Case],
    node: Option<&Node>,
    arguments: &Arguments,
) -> Result<Report> {
    let cloud = own.open()?;
    // Each would invoke another function in the middle of a measurement.
    let without = serde_json::json!({ "enabled": false });
    Control::new(&cloud.http(Service::Payments)?)?.webhooks(without).await?;
    let bench =
        Bench { cloud: &cloud, traffic: Traffic::new(&cloud, arguments.scale)?, next: AtomicU64::new(0) };
    let count = !arguments.no_instructions && instructions::can_be_counted();
    if !count {
        say("  Instructions are not counted: valgrind is not asked for, or not on the PATH.");
    }
    let mut measured = Vec::new();
    for case in cases {
        let figures = step(format!("Measuring: {}", case.name), of_ours(&bench, case, count)).await?;
        let node = match node.and_then(|node| node.command(case.function, MEMORY_MB)) {
            Some(command) => Some(
                step(format!("Measuring: {}, in Node.js", case.name), of_node(&bench, case, command)).await?,
            ),
            None => None,
        };
        let (name, function) = (case.name.to_owned(), case.function.to_owned());
        measured.push(Measured { name, function, figures, node });
    }
    let now = OffsetDateTime::now_utc();
    let format = time::macros::format_description!("[year]-[month]-[day] [hour]:[minute]");
    Ok(Report {
        date: now.format(format)?,
        machine: machine(),
        command: command(arguments),
        scale: arguments.scale,
        note: arguments.save.clone().unwrap_or_else(|| "not stored".to_owned()),
        node: node.map(|node| node.version.clone()),
        cases: measured,
    })
}

async fn of_ours(bench: &Bench<'_>, case: &Case, count_instructions: bool) -> Result<Figures> {
    let cloud = bench.cloud;
    let mut figures = bench.measure(case, &bench.ours(case)?).await?;
    if count_instructions {
        figures.instructions = instructions::of_a_request(bench, case).await?;
    }
    let program = cloud.folder.binaries("release").join(case.function);
    // The empty handler stands for any other.
    figures.memory_mb = cloud.template.function(case.function).map_or(512, |function| function.memory_mb);
    (figures.program_bytes, figures.zip_bytes) = sizes::of(&program, &cloud.folder.path).await?;
    Ok(figures)
}

async fn of_node(bench: &Bench<'_>, case: &Case, command: Vec<String>) -> Result<Figures> {
    let twin = Candidate::in_node(command);
    alike::check(bench, case, &bench.ours(case)?, &twin).await?;
    // No crowd: eight more of Node.js would take as long as all the rest, and are beside nothing.
    bench.alone(case, &twin).await
}

fn command(arguments: &Arguments) -> String {
    let mut words = vec!["./dev bench".to_owned()];
    words.extend(arguments.only.clone());
    words.extend(arguments.node.then(|| "--node".to_owned()));
    words.extend((arguments.scale > 1).then(|| format!("--scale {}", arguments.scale)));
    words.join(" ")
}
