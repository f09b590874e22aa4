//! Instructions of a request, counted by valgrind: the one figure that is the same on a busy machine.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;

use super::cases::Case;
use super::measure::Bench;
use cloud::service::on_path;

/// Two runs, of which only the difference counts: it holds no start and no connection.
const FEW: u64 = 50;
const MANY: u64 = 250;

/// Whether they can be counted here.
pub(super) fn can_be_counted() -> bool {
    on_path("valgrind").is_some()
}

/// Instructions of one request.
pub(super) async fn of_a_request(bench: &Bench<'_>, case: &Case) -> Result<f64> {
    let (few, many) = (run(bench, case, FEW).await?, run(bench, case, MANY).await?);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    Ok(many.saturating_sub(few) as f64 / (MANY - FEW) as f64)
}

/// All instructions of a process that serves so many requests.
async fn run(bench: &Bench<'_>, case: &Case, requests: u64) -> Result<u64> {
    let output = bench.cloud.folder.path.join("callgrind.out");
    fs::remove_file(&output).ok();
    let mut command = vec![
        "valgrind".to_owned(),
        "--tool=callgrind".to_owned(),
        format!("--callgrind-out-file={}", output.display()),
    ];
    command.extend(bench.ours(case)?.command);
    let fleet = bench.fleet(case, 1, command).await?;
    bench.ask(&fleet, case, requests).await?;
    for environment in fleet.environments() {
        fleet.signal(environment.id, Signal::SIGTERM);
    }
    while !fleet.environments().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    fleet.end().await?;
    let counted = fs::read_to_string(&output).context("callgrind wrote nothing")?;
    let total = counted.lines().rev().find_map(|line| line.strip_prefix("totals: "));
    match total.and_then(|total| total.trim().parse().ok()) {
        Some(total) => Ok(total),
        None => bail!("{} has no total", output.display()),
    }
}
