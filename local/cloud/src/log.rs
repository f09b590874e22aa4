//! Logs: written to their end, and read as they grow.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context, Result};

/// Opens a log to append to.
pub fn open_log(path: &Path) -> Result<File> {
    let open = OpenOptions::new().create(true).append(true).open(path);
    open.with_context(|| format!("cannot write {}", path.display()))
}

/// Begins a log anew. What the last run wrote may be the very thing that somebody wants to look at, so it stays beside
/// it, as `NAME.log.1`.
pub fn begin_anew(path: &Path) -> Result<()> {
    match fs::rename(path, path.with_extension("log.1")) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot rename {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Gives each whole line after a position in a file to `take`, and returns where the next one begins. A file that was
/// made anew is read from its start; one that does not exist is empty.
pub fn read_from(path: &Path, position: u64, mut take: impl FnMut(&str)) -> Result<u64> {
    let Ok(mut file) = File::open(path) else { return Ok(0) };
    let position = if file.metadata()?.len() < position { 0 } else { position };
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(position))?;
    file.read_to_end(&mut bytes).with_context(|| format!("cannot read {}", path.display()))?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    String::from_utf8_lossy(&bytes[..whole]).lines().for_each(&mut take);
    Ok(position + whole as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_whole_lines_only_and_goes_on_where_it_was() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("log");
        let mut lines = Vec::new();
        std::fs::write(&path, "one\ntw")?;
        let seen = read_from(&path, 0, |line| lines.push(line.to_owned()))?;
        std::fs::write(&path, "one\ntwo\nthree\n")?;
        read_from(&path, seen, |line| lines.push(line.to_owned()))?;
        assert_eq!(lines, ["one", "two", "three"]);
        Ok(())
    }

    #[test]
    fn a_log_that_is_begun_anew_is_empty_and_the_last_run_stays_beside_it() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("supervisor.log");
        begin_anew(&path)?;
        std::fs::write(&path, "yesterday\n")?;
        begin_anew(&path)?;
        assert_eq!(read_from(&path, 0, |line| panic!("{line}"))?, 0);
        assert_eq!(std::fs::read_to_string(folder.path().join("supervisor.log.1"))?, "yesterday\n");
        Ok(())
    }

    #[test]
    fn it_starts_again_when_a_log_was_made_anew() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("log");
        std::fs::write(&path, "new\n")?;
        let mut lines = Vec::new();
        read_from(&path, 1000, |line| lines.push(line.to_owned()))?;
        assert_eq!(lines, ["new"]);
        Ok(())
    }
}
