//! `status` and `logs`.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, ensure};

use cloud::Cloud;
use cloud::folder::Folder;
use cloud::log::read_from;
use cloud::progress::{table, tell};
use cloud::record::{self, SUPERVISOR, State};
use cloud::service::Service;
use cloud::services;

/// How much of each log `logs` shows.
const LAST_LINES: usize = 100;

/// Prints what runs where, after asking each service. Fails unless everything answers, so that scripts can tell.
pub(crate) async fn status(folder: Folder) -> Result<ExitCode> {
    let cloud = Cloud::open(folder)?;
    if record::supervisor(&cloud.folder).is_none() {
        tell(format_args!("  Nothing is running: {} up starts it.", cloud.folder.dev));
    }
    let (table, all_answer) = asked(&cloud).await;
    tell(table.trim_end());
    Ok(if all_answer { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The table of what each service answers, and whether all do.
pub(super) async fn asked(cloud: &Cloud) -> (String, bool) {
    let (mut rows, mut all_answer) = (Vec::new(), true);
    for service in cloud.services() {
        let state = state(cloud, service).await;
        all_answer &= state == "ready";
        rows.push(row(cloud, service, state));
    }
    (table(HEADINGS, &rows), all_answer)
}

const HEADINGS: [&str; 5] = ["service", "state", "process", "address", "what it is"];

/// The table right after everything answered.
pub(super) fn all_ready(cloud: &Cloud) -> String {
    let rows: Vec<_> = cloud.services().map(|service| row(cloud, service, "ready".to_owned())).collect();
    table(HEADINGS, &rows)
}

async fn state(cloud: &Cloud, service: Service) -> String {
    let Some(record) = record::read(&cloud.folder, service.name()) else { return "not started".to_owned() };
    let alive = record.alive().is_some();
    match record.state {
        State::Starting if alive => "starting".to_owned(),
        State::Ready if alive => {
            let answer = tokio::time::timeout(Duration::from_secs(2), services::ask(service, cloud)).await;
            if matches!(answer, Ok(Ok(()))) { "ready" } else { "does not answer" }.to_owned()
        }
        State::Failed if !record.note.is_empty() => record.note.lines().next().unwrap_or("failed").to_owned(),
        State::Stopped => "stopped".to_owned(),
        _ => "dead".to_owned(),
    }
}

fn row(cloud: &Cloud, service: Service, state: String) -> [String; 5] {
    let process = record::read(&cloud.folder, service.name()).and_then(|record| record.alive());
    let pid = process.map(|process| process.pid().to_string()).unwrap_or_default();
    let address = cloud.port(service).map(|port| format!("127.0.0.1:{port}")).unwrap_or_default();
    [service.name().to_owned(), state, pid, address, services::role(service, cloud).to_owned()]
}

/// Prints the end of one log or of all, and goes on with what is added if asked to, as long as anybody reads.
pub(crate) async fn logs(folder: &Folder, service: Option<&str>, follow: bool) -> Result<()> {
    let all = Service::all().map(Service::name).chain([SUPERVISOR]);
    let chosen: Vec<_> = all.clone().filter(|name| service.is_none_or(|wanted| wanted == *name)).collect();
    ensure!(!chosen.is_empty(), "there is no such log; choose from: {}", all.collect::<Vec<_>>().join(" "));
    let width =
        if service.is_some() { 0 } else { chosen.iter().map(|name| name.len()).max().unwrap_or_default() };
    let print = |name: &str, line: &str| match width {
        0 => tell(line),
        _ => tell(format_args!("{name:<width$} | {line}")),
    };
    let mut seen = Vec::new();
    for name in &chosen {
        let mut lines = Vec::new();
        seen.push(read_from(&folder.log(name), 0, |line| lines.push(line.to_owned()))?);
        if !lines[lines.len().saturating_sub(LAST_LINES)..].iter().all(|line| print(name, line)) {
            return Ok(());
        }
    }
    if !follow {
        return Ok(());
    }
    let mut is_read = true;
    while is_read {
        tokio::time::sleep(Duration::from_millis(200)).await;
        for (name, seen) in chosen.iter().zip(&mut seen) {
            *seen = read_from(&folder.log(name), *seen, |line| is_read = is_read && print(name, line))?;
        }
    }
    Ok(())
}
