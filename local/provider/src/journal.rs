//! What the provider knows, as a file that only grows: one JSON line for each change.
//!
//! A line is written before its change is answered, with one `write`. A killed process therefore forgets nothing it
//! has told anyone, and loses at most a torn last line, which is cut off at the next start. (A power cut may lose
//! more: there is no `fsync`, because this is a double.)

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The open file.
#[derive(Debug)]
pub(super) struct Journal(File);

impl Journal {
    /// Opens or creates the journal and reads what it holds.
    pub(super) fn open<T: DeserializeOwned>(path: &Path) -> Result<(Self, Vec<T>)> {
        let problem = || format!("cannot use the payment provider's journal {}", path.display());
        let mut file =
            OpenOptions::new().read(true).append(true).create(true).open(path).with_context(problem)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).with_context(problem)?;
        let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).with_context(problem)?;
        let mut changes = Vec::new();
        for (number, line) in (1..).zip(text[..whole].split_inclusive(|&byte| byte == b'\n')) {
            let change = serde_json::from_slice(line)
                .with_context(|| format!("line {number} is damaged; delete the file to start afresh"))
                .with_context(problem)?;
            changes.push(change);
        }
        Ok((Self(file), changes))
    }

    /// Adds a change.
    pub(super) fn append<T: Serialize>(&mut self, change: &T) -> io::Result<()> {
        let mut line = serde_json::to_vec(change)?;
        line.push(b'\n');
        self.0.write_all(&line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_back_what_was_written_and_cuts_off_a_torn_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal.jsonl");
        let (mut journal, changes) = Journal::open::<u32>(&path).expect("opens");
        assert!(changes.is_empty());
        journal.append(&1).expect("writes");
        journal.append(&2).expect("writes");
        journal.0.write_all(b"34").expect("writes");
        let (mut journal, changes) = Journal::open::<u32>(&path).expect("opens");
        assert_eq!(changes, [1, 2]);
        journal.append(&5).expect("writes");
        let (_, changes) = Journal::open::<u32>(&path).expect("opens");
        assert_eq!(changes, [1, 2, 5]);
    }

    #[test]
    fn it_says_which_line_is_damaged() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal.jsonl");
        std::fs::write(&path, "1\nnonsense\n3\n").expect("writes");
        let error = Journal::open::<u32>(&path).expect_err("damaged");
        assert!(format!("{error:#}").contains("line 2"), "{error:#}");
    }
}
