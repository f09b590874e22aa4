//! Files of `KEY=VALUE` lines.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};

/// Reads a file; one that does not exist is empty. Comments (`#`) and lines without `=` are skipped.
pub fn read(path: &Path) -> Result<BTreeMap<String, String>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    Ok(lines.filter_map(|line| line.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
}

/// Writes a file that only its owner may read, whole or not at all.
pub fn write<K: AsRef<str>, V: AsRef<str>>(
    path: &Path,
    values: impl IntoIterator<Item = (K, V)>,
) -> Result<()> {
    let lines: Vec<_> =
        values.into_iter().map(|(key, value)| format!("{}={}\n", key.as_ref(), value.as_ref())).collect();
    write_private(path, &lines.concat())
}

/// Writes text to a file that only its owner may read, whole or not at all.
pub fn write_private(path: &Path, text: &str) -> Result<()> {
    let draft = path.with_extension("new");
    let write = || {
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(text.as_bytes())?;
        fs::rename(&draft, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_back_what_it_wrote_even_with_equals_signs_in_values() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("env");
        write(&path, [("KEY", "YmFzZTY0=="), ("URL", "postgres://a:b@127.0.0.1:1/c")])?;
        let values = read(&path)?;
        assert_eq!(values["KEY"], "YmFzZTY0==");
        assert_eq!(values["URL"], "postgres://a:b@127.0.0.1:1/c");
        Ok(())
    }

    #[test]
    fn it_keeps_secrets_from_other_users() -> Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("secrets");
        write(&path, [("KEY", "value")])?;
        assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
        Ok(())
    }

    #[test]
    fn it_takes_a_missing_file_as_empty() -> Result<()> {
        assert!(read(Path::new("/nonexistent/file"))?.is_empty());
        Ok(())
    }
}
