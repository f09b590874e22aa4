//! What the supervisor knows of each service, on disk, so that other commands see it, also after a crash.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::folder::Folder;
use crate::key_value::write_private;
use crate::process::Identity;
use crate::service::Service;

/// A service that has not ended by itself within this time is killed.
pub const PATIENCE: Duration = Duration::from_secs(8);

/// The supervisor's own record lies beside those of the services.
pub const SUPERVISOR: &str = "supervisor";

/// How far a service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is being started.
    Starting,
    /// It answers.
    Ready,
    /// It was told to end, and has.
    Stopped,
    /// It did not come up, or ended by itself.
    Failed,
}

/// One service, as the supervisor last saw it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// How far it is.
    pub state: State,
    /// Its process, while it has one.
    pub process: Option<Identity>,
    /// Why it failed.
    pub note: String,
    /// Which folder it was written in, by device and number: a folder that was moved is the same, and a copy is
    /// another, whose services are not these.
    #[serde(default)]
    folder: Option<(u64, u64)>,
}

impl Record {
    /// A record of this moment.
    pub fn new(state: State, process: Option<Identity>, note: &str) -> Self {
        Self { state, process, note: note.to_owned(), folder: None }
    }

    /// The process, if it still runs.
    pub fn alive(&self) -> Option<Identity> {
        self.process.filter(|process| process.is_alive())
    }
}

/// Notes a record.
pub fn write(folder: &Folder, name: &str, record: &Record) -> Result<()> {
    let record = Record { folder: Some(identity(folder)?), ..record.clone() };
    write_private(&folder.record(name), &serde_json::to_string(&record)?)
}

/// The record of a service, if there is one that can be read and is of this folder.
pub fn read(folder: &Folder, name: &str) -> Option<Record> {
    let record: Record = serde_json::from_slice(&fs::read(folder.record(name)).ok()?).ok()?;
    let copied =
        record.folder.is_some_and(|written_in| identity(folder).is_ok_and(|this| this != written_in));
    (!copied).then_some(record)
}

fn identity(folder: &Folder) -> Result<(u64, u64)> {
    let about =
        fs::metadata(&folder.path).with_context(|| format!("cannot see {}", folder.path.display()))?;
    Ok((about.dev(), about.ino()))
}

/// The supervisor that works in a folder now.
pub fn supervisor(folder: &Folder) -> Option<(Record, Identity)> {
    let record = read(folder, SUPERVISOR)?;
    let process = record.alive()?;
    Some((record, process))
}

/// Ends the services that have no supervisor any more, with everything they started. After an orderly end there are
/// none.
pub async fn end_left_over(folder: &Folder) -> Result<()> {
    for service in Service::all().rev() {
        let Some(process) = read(folder, service.name()).and_then(|record| record.process) else { continue };
        process.end(service.stop_signal(), PATIENCE).await?;
        write(folder, service.name(), &Record::new(State::Stopped, None, ""))?;
    }
    Ok(())
}

/// The last lines of a service's log, for an error message.
pub fn tail(folder: &Folder, service: Service) -> String {
    let path = folder.log(service.name());
    let log = fs::read(&path).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let lines: Vec<_> = log.lines().collect();
    let last = lines[lines.len().saturating_sub(12)..].join("\n    ");
    format!("The end of {}:\n    {last}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_a_folder_does_not_know_the_services_of_the_original_and_a_moved_one_does() -> Result<()> {
        let scratch = tempfile::tempdir()?;
        let at = |name: &str| Folder::at(scratch.path(), &scratch.path().join(name), "./dev");
        let original = at("original")?;
        let record = Record::new(State::Ready, Some(Identity::own()?), "");
        write(&original, SUPERVISOR, &record)?;
        assert!(supervisor(&original).is_some());

        let copy = at("copy")?;
        fs::copy(original.record(SUPERVISOR), copy.record(SUPERVISOR))?;
        assert!(supervisor(&copy).is_none());

        fs::rename(&original.path, scratch.path().join("moved"))?;
        assert!(supervisor(&at("moved")?).is_some());
        Ok(())
    }
}
