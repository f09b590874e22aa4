//! Which build of a program there is.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Tells a build from the one that took its place: another file, or the same one written anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version {
    file: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl Version {
    /// `None` while there is no program. It costs a look at one file, about a microsecond.
    pub(super) fn of(program: &Path) -> Option<Self> {
        let about = fs::metadata(program).ok()?;
        Some(Self { file: about.ino(), seconds: about.mtime(), nanoseconds: about.mtime_nsec() })
    }
}
