//! What the functions are built from, and whether it has changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How often they are looked at: some hundred files, about a millisecond. It needs no library and no kernel's help, and
/// works on every file system.
const LOOK: Duration = Duration::from_secs(1);
/// Where they are. Which of them concern a function, cargo knows.
const PLACES: [&str; 5] = ["functions", "shared", "Cargo.toml", "Cargo.lock", ".cargo"];
/// What changes often and is in no function.
const ELSEWHERE: [&str; 2] = ["tests", "target"];

/// The files, with the time of the last change of each.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sources(BTreeMap<PathBuf, SystemTime>);

impl Sources {
    /// As they are now.
    pub(crate) fn of(root: &Path) -> Self {
        let mut files = BTreeMap::new();
        for place in PLACES {
            add(root, Path::new(place), &mut files);
        }
        Self(files)
    }

    /// Waits until they are not these any more, and for as long as they go on changing: editors and git write one file
    /// after the other. Returns one that changed.
    pub(crate) async fn until_changed(&self, root: &Path) -> PathBuf {
        let mut last = Self::of(root);
        loop {
            tokio::time::sleep(LOOK).await;
            let now = Self::of(root);
            if now == last
                && let Some(changed) = self.difference(&now)
            {
                return changed.to_owned();
            }
            last = now;
        }
    }

    /// A file that is new, gone or different.
    fn difference<'a>(&'a self, now: &'a Self) -> Option<&'a Path> {
        let (then, now) = (&self.0, &now.0);
        let new = now.iter().find(|(file, time)| then.get(*file) != Some(*time));
        let gone = then.keys().find(|file| !now.contains_key(*file));
        new.map(|(file, _)| file).or(gone).map(PathBuf::as_path)
    }
}

/// Adds a file, or all files of a folder. What cannot be read, cargo will complain about.
fn add(root: &Path, path: &Path, files: &mut BTreeMap<PathBuf, SystemTime>) {
    let Ok(about) = fs::metadata(root.join(path)) else { return };
    if !about.is_dir() {
        files.extend(about.modified().ok().map(|time| (path.to_owned(), time)));
        return;
    }
    for entry in fs::read_dir(root.join(path)).into_iter().flatten().flatten() {
        if !ELSEWHERE.iter().any(|name| entry.file_name() == *name) {
            add(root, &path.join(entry.file_name()), files);
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Result;

    use super::*;

    #[tokio::test]
    async fn it_sees_files_that_are_written_made_or_removed_and_none_that_concern_no_function() -> Result<()>
    {
        let folder = tempfile::tempdir()?;
        let root = folder.path();
        fs::create_dir_all(root.join("shared/src"))?;
        fs::create_dir_all(root.join("shared/tests"))?;
        let write = |name: &str, text: &str| fs::write(root.join(name), text);
        write("shared/src/lib.rs", "")?;
        let same = |sources: &Sources| sources.difference(&Sources::of(root)).is_none();

        let sources = Sources::of(root);
        write("shared/tests/cache.rs", "")?;
        write("README.md", "")?;
        assert!(same(&sources));

        write("shared/src/order.sql", "")?;
        assert_eq!(sources.until_changed(root).await, Path::new("shared/src/order.sql"));

        let sources = Sources::of(root);
        let lib = fs::File::options().write(true).open(root.join("shared/src/lib.rs"))?;
        lib.set_modified(SystemTime::now() + Duration::from_secs(1))?;
        assert_eq!(sources.difference(&Sources::of(root)), Some(Path::new("shared/src/lib.rs")));

        let sources = Sources::of(root);
        fs::remove_file(root.join("shared/src/order.sql"))?;
        assert_eq!(sources.difference(&Sources::of(root)), Some(Path::new("shared/src/order.sql")));
        Ok(())
    }
}
