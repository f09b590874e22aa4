//! `./dev bench`: what a request costs, beside a handler that does nothing and beside the run that was stored last.
//!
//! | module | holds |
//! |---|---|
//! | `cases` | one typical request for each endpoint that is measured |
//! | `measure` | starts, times, processor time, memory, round trips of one case |
//! | `run`, `pairs` | the times of a run; what rounds that were measured in turn say of each other |
//! | `instructions` | the same, counted by valgrind |
//! | `node`, `alike` | the same endpoints in Node.js, and that they answer as ours do |
//! | `counts` | where the figures come from, besides `usage` and the cloud's `archive` |
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
pub(crate) mod node;
mod page;
mod pairs;
mod report;
mod run;
mod text;
mod verdict;

use std::fs;
use std::sync::atomic::AtomicU64;

use anyhow::{Context, Result};
use time::OffsetDateTime;

use cases::{CASES, Case, FLOOR};
use cloud::LARGEST_SCALE;
use cloud::archive;
use cloud::figures::machine;
use cloud::folder::Folder;
use cloud::own_cloud::OwnCloud;
use cloud::progress::{say, step, tell};
use cloud::service::Service;
use customers::traffic::Traffic;
use measure::{Bench, Candidate, Crowd, MEMORY_MB};
use node::Node;
use provider::{Control, Fault, Kind, WebhookChange};
use report::{Figures, Measured, Pairs, Report};
use run::median;

/// The folder of the benchmark's cloud.
const CLOUD: &str = ".dev-bench";

/// What `./dev bench` takes.
#[derive(clap::Args)]
#[command(
    about = "What a request costs, beside an empty handler and the last kept run, and which goals hold"
)]
pub struct Arguments {
    /// Only cases whose name or function has this in it; the empty handler always.
    #[arg(value_parser = known)]
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
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(LARGEST_SCALE)))]
    scale: u32,
    /// How long the payment provider takes for each call, in milliseconds; else it answers at once. Above two seconds a
    /// round would have no two calls, and from three on the breaker takes the provider for ill.
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..=2_000))]
    provider_delay: Option<u64>,
}

/// Builds, measures, shows, and stores if asked to.
pub async fn run(folder: &Folder, arguments: &Arguments) -> Result<()> {
    let cases: Vec<_> = CASES.iter().filter(|case| is_wanted(case, arguments.only.as_deref())).collect();
    let own = OwnCloud::of_release(folder, CLOUD, arguments.scale)?;
    let work = async {
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
        own.start_afresh().await?;
        // It would send the sweeper into the middle of a measurement.
        own.dev(&["stop", Service::Dispatcher.name()]).await?;
        measure(&own, &cases, node.as_ref(), arguments).await
    };
    let report = own.at_work(Box::pin(work)).await?;
    let stored = report::folder(&folder.root);
    let previous = Report::previous(&stored)?;
    tell(format_args!("\n{}", text::of(&report, previous.as_ref()).trim_end()));
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
    tell(format_args!("\n  With plots: {}", page.strip_prefix(&folder.root).unwrap_or(&page).display()));
    Ok(())
}

fn is_wanted(case: &Case, only: Option<&str>) -> bool {
    only.is_none_or(|words| is_called(case, words) || case.name == FLOOR.name)
}

fn is_called(case: &Case, words: &str) -> bool {
    case.name.contains(words) || case.function.contains(words)
}

/// The words, if any case is called so.
fn known(words: &str) -> Result<String, String> {
    let names: Vec<_> = CASES.iter().map(|case| case.name).collect();
    let known = CASES.iter().any(|case| is_called(case, words));
    known.then(|| words.to_owned()).ok_or_else(|| format!("the cases are: {}", names.join("; ")))
}

async fn measure(
    own: &OwnCloud,
    cases: &[&Case],
    node: Option<&Node>,
    arguments: &Arguments,
) -> Result<Report> {
    let cloud = own.open()?;
    // Each would invoke another function in the middle of a measurement.
    let without = WebhookChange { enabled: Some(false), ..WebhookChange::default() };
    let provider = Control::new(&cloud.http(Service::Payments)?)?;
    provider.webhooks(&without).await?;
    if let Some(delay_ms) = arguments.provider_delay {
        provider.fault(&Fault { delay_ms, ..Fault::lasting(Kind::Delay) }).await?;
    }
    let bench =
        Bench { cloud: &cloud, traffic: Traffic::new(&cloud, arguments.scale)?, next: AtomicU64::new(0) };
    let count = !arguments.no_instructions && instructions::can_be_counted();
    if !count {
        say("  Instructions are not counted: valgrind is not asked for, or not on the PATH.");
    }
    let mut measured = Vec::new();
    for case in cases {
        let twin = node.and_then(|node| node.command(case.function, MEMORY_MB)).map(Candidate::in_node);
        let beside = if twin.is_some() { ", beside Node.js" } else { "" };
        let what = format!("Measuring: {}{beside}", case.name);
        measured.push(step(what, measure_case(&bench, case, twin, count)).await?);
    }
    let mut left_out: Vec<_> = cases.iter().map(|case| case.function.to_owned()).collect();
    left_out.retain(|function| node.is_some_and(|node| node.lacks(function)));
    left_out.dedup();
    let now = OffsetDateTime::now_utc();
    let format = time::macros::format_description!("[year]-[month]-[day] [hour]:[minute]");
    Ok(Report {
        date: now.format(format)?,
        machine: machine(),
        command: command(arguments),
        scale: arguments.scale,
        provider_delay_ms: arguments.provider_delay,
        note: arguments.save.clone().unwrap_or_else(|| "not stored".to_owned()),
        node: node.map(|node| node.version.clone()),
        left_out,
        cases: measured,
    })
}

/// One case: the empty handler, ours and the twin in Node.js in turn.
async fn measure_case(
    bench: &Bench<'_>,
    case: &Case,
    twin: Option<Candidate>,
    count_instructions: bool,
) -> Result<Measured> {
    let ours = bench.ours(case)?;
    if let Some(twin) = &twin {
        alike::check(bench, case, &ours, twin).await?;
    }
    let has_twin = twin.is_some();
    let both: Vec<_> = std::iter::once(ours).chain(twin).collect();
    let mut candidates = vec![(&FLOOR, bench.ours(&FLOOR)?)];
    // The empty handler stands beside nobody but itself.
    candidates.retain(|_| case.name != FLOOR.name);
    candidates.extend(both.iter().map(|candidate| (case, candidate.clone())));
    let mut alone = bench.alone(&candidates).await?;
    let mut crowd = bench.crowd(case, &both).await?;
    let node = if has_twin { alone.pop().zip(crowd.pop()) } else { None };
    let (ours, ours_crowd) = alone.pop().zip(crowd.pop()).context("ours is always measured")?;
    let floor = alone.pop().map(|floor| floor.cpu_us).unwrap_or_default();
    let mut pairs = Pairs { floor: pairs::of(&ours.cpu_us, &floor), ..Pairs::default() };
    if let Some((node, node_crowd)) = &node {
        pairs.node = pairs::of(&ours.cpu_us, &node.cpu_us);
        pairs.busy = pairs::of(&ours_crowd.busy_us, &node_crowd.busy_us);
        pairs.answer = pairs::of(&ours.p50_us, &node.p50_us);
    }
    let mut figures = with_crowd(ours.figures, ours_crowd);
    if count_instructions {
        figures.instructions = instructions::of_a_request(bench, case).await?;
    }
    let cloud = bench.cloud;
    let program = cloud.folder.binaries("release").join(case.function);
    // The empty handler stands for any other.
    figures.memory_mb = cloud.template.function(case.function).map_or(512, |function| function.memory_mb);
    (figures.program_bytes, figures.zip_bytes) = archive::sizes(&program, &cloud.folder.path).await?;
    let node = node.map(|(alone, crowd)| with_crowd(alone.figures, crowd));
    let (name, function) = (case.name.to_owned(), case.function.to_owned());
    Ok(Measured { name, function, figures, node, pairs })
}

fn with_crowd(figures: Figures, crowd: Crowd) -> Figures {
    let Crowd { latency, per_second, busy_us } = crowd;
    Figures { crowd: latency, crowd_per_second: per_second, busy_us: median(busy_us), ..figures }
}

fn command(arguments: &Arguments) -> String {
    let mut words = vec!["./dev bench".to_owned()];
    words.extend(arguments.only.clone());
    words.extend(arguments.node.then(|| "--node".to_owned()));
    words.extend((arguments.scale > 1).then(|| format!("--scale {}", arguments.scale)));
    words.extend(arguments.provider_delay.map(|delay| format!("--provider-delay {delay}")));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command, FromArgMatches};

    use super::*;

    fn read(words: &str) -> Result<Arguments, clap::Error> {
        let command = Arguments::augment_args(Command::new("bench").no_binary_name(true));
        Arguments::from_arg_matches(&command.try_get_matches_from(words.split_whitespace())?)
    }

    #[test]
    fn a_report_names_the_command_that_repeats_it() -> Result<()> {
        for words in ["", "checkout --node --provider-delay 300", "--scale 10"] {
            assert_eq!(command(&read(words)?), format!("./dev bench {words}").trim_end());
        }
        Ok(())
    }

    #[test]
    fn a_delay_of_the_provider_that_cannot_be_measured_is_refused() {
        for delay in ["0", "2001", "-1", "long"] {
            let refused = read(&format!("--provider-delay={delay}")).err().map(|error| error.to_string());
            assert!(refused.is_some_and(|words| words.contains("--provider-delay <MS>")), "{delay}");
        }
    }

    #[test]
    fn one_word_chooses_all_searches_and_the_empty_handler() {
        let chosen: Vec<_> = CASES.iter().filter(|case| is_wanted(case, Some("search"))).collect();
        let others = chosen.iter().filter(|case| !case.name.starts_with("search, "));
        assert_eq!((chosen.len(), others.count()), (10, 1));
    }
}
