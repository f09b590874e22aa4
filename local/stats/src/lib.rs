//! `./dev stats`: what CloudWatch would show, from the same lines of the functions' log, live in the terminal.
//!
//! | module | holds |
//! |---|---|
//! | [`Sample`] | one request, as its line in the log tells it |
//! | `log` | those of the last minutes |
//! | `summary` | many of them: rates, percentiles, sums |
//! | `text` | for the terminal |
//! | `queue` | what waits in the queues |
//! | [`Moments`], [`plots`], [`chart`] | the log by time; plots of it; any plots |
//! | `page` | for the browser: one file with everything in it |

pub mod chart;
mod log;
mod moments;
mod page;
pub mod plots;
pub mod queue;
mod sample;
mod summary;
mod text;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;

use cloud::Cloud;
use cloud::folder::Folder;
use cloud::given;
use cloud::progress::{say, tell};
use cloud::service::Service;
use log::Log;
pub use moments::{Moments, Standing};
pub use sample::Sample;
use summary::Summary;

/// How often the live view is drawn.
const REFRESH: Duration = Duration::from_secs(2);

/// What is looked at, and how it is shown.
#[derive(Args)]
#[command(
    about = "Rates, percentiles and errors of each route, cache, limiter, breaker, queues: live, from the functions' log"
)]
pub struct Arguments {
    /// How far back to look.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1440))]
    minutes: u16,
    /// Once, and not until Ctrl-C.
    #[arg(long)]
    once: bool,
    /// Writes a page with plots instead.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Prints the figures of the last minutes, again and again unless told otherwise.
pub async fn run(folder: Folder, arguments: Arguments) -> Result<()> {
    let cloud = Cloud::open(folder)?;
    let sqs = cloud.sqs()?;
    let mut log = Log::new(cloud.folder.log(Service::Functions.name()), arguments.minutes);
    loop {
        let (began, now) = log.read()?;
        let queues = queue::all(&cloud, &sqs).await;
        let samples = log.samples();
        if let Some(file) = arguments.html.as_ref().map(given::file) {
            let page = page::of(samples, &queues, arguments.minutes, now);
            std::fs::write(&file, page).with_context(|| format!("cannot write {}", file.display()))?;
            say(format_args!("  {} requests: {}", samples.len(), file.display()));
            return Ok(());
        }
        let summary = Summary::of(samples, now - began);
        let text = text::of(&summary, &queues, arguments.minutes);
        if arguments.once {
            tell(text.trim_end());
            return Ok(());
        }
        // Home, the text, and whatever was below it wiped: drawn over, a screen does not flicker.
        if !tell(format_args!("\x1b[H{}\x1b[J", text.trim_end().replace('\n', "\x1b[K\n"))) {
            return Ok(());
        }
        tokio::time::sleep(REFRESH).await;
    }
}
