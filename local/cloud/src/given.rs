//! Files as somebody names them: from where they stand, and not from the repository's root, where `./dev` goes first.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where such a file is.
pub fn file(name: impl AsRef<Path>) -> PathBuf {
    seen_from(env::var_os("MILLRACE_FROM"), name.as_ref())
}

fn seen_from(place: Option<OsString>, name: &Path) -> PathBuf {
    place.map_or_else(|| name.to_owned(), |place| Path::new(&place).join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_where_its_name_leads_from_where_somebody_stands() {
        let from = |name| seen_from(Some("/home/ada".into()), Path::new(name));
        assert_eq!(from("spring.csv"), Path::new("/home/ada/spring.csv"));
        assert_eq!(from("/tmp/spring.csv"), Path::new("/tmp/spring.csv"));
        assert_eq!(seen_from(None, Path::new("spring.csv")), Path::new("spring.csv"));
    }
}
