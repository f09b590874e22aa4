//! Where the local cloud keeps its things.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// The repository and the cloud's own folder in it: `.dev`, or what `MILLRACE_DEV_DIR` names, so that several clouds
/// (a person's, the gate's, a benchmark's) run side by side.
#[derive(Clone, Debug)]
pub struct Folder {
    /// The repository's root.
    pub root: PathBuf,
    /// The cloud's own folder, absolute.
    pub path: PathBuf,
    /// What a person types to reach this cloud, for messages that say what to do.
    pub dev: String,
}

impl Folder {
    /// Finds the folder for the repository in the current directory, and makes what is missing in it.
    pub fn open() -> Result<Self> {
        let root = std::env::current_dir().context("the current directory cannot be read")?;
        ensure!(
            root.join("local/dev/Cargo.toml").exists(),
            "{} is not Millrace's repository: run ./dev from its root",
            root.display()
        );
        Self::wished(&root, &std::env::var("MILLRACE_DEV_DIR").unwrap_or_default())
    }

    /// Empty counts as not set: the repository's own root is no folder for a cloud.
    fn wished(root: &Path, name: &str) -> Result<Self> {
        if name.is_empty() { Self::at(root, &root.join(".dev"), "./dev") } else { Self::named(root, name) }
    }

    /// Another cloud's folder: this one, by its name in the repository.
    pub fn named(root: &Path, name: &str) -> Result<Self> {
        Self::at(root, &root.join(name), &format!("MILLRACE_DEV_DIR={name} ./dev"))
    }

    /// The folder at a path, with its subfolders made.
    pub fn at(root: &Path, path: &Path, dev: &str) -> Result<Self> {
        let folder = Self { root: root.to_owned(), path: path.to_owned(), dev: dev.to_owned() };
        for part in ["logs", "run", "data"] {
            let part = folder.path.join(part);
            fs::create_dir_all(&part).with_context(|| format!("cannot make {}", part.display()))?;
        }
        Ok(folder)
    }

    /// Whether a function is written: template.yaml may name some before they are.
    pub fn has(&self, function: &str) -> bool {
        self.root.join("functions").join(function).join("Cargo.toml").exists()
    }

    /// All functions that are written, in alphabetical order.
    pub fn written_functions(&self) -> Vec<String> {
        let entries = fs::read_dir(self.root.join("functions")).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<_> = names.filter(|name| self.has(name)).collect();
        names.sort();
        names
    }

    /// The folder of a build's programs (`debug`, `release`).
    pub fn binaries(&self, profile: &str) -> PathBuf {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
        self.root.join(target).join(profile)
    }

    /// The functions that this cloud runs, where no other build replaces them.
    pub fn functions(&self) -> PathBuf {
        self.data().join("functions")
    }

    /// What runs where, as `KEY=VALUE` lines for people, tests and functions.
    pub fn env(&self) -> PathBuf {
        self.path.join("env")
    }

    /// The ports that were chosen, kept across runs.
    pub fn ports(&self) -> PathBuf {
        self.path.join("ports")
    }

    /// Passwords and keys, made once.
    pub fn secrets(&self) -> PathBuf {
        self.path.join("secrets")
    }

    /// What a service writes.
    pub fn log(&self, service: &str) -> PathBuf {
        self.path.join("logs").join(format!("{service}.log"))
    }

    /// What the supervisor knows of a service.
    pub fn record(&self, service: &str) -> PathBuf {
        self.path.join("run").join(format!("{service}.json"))
    }

    /// Exists while a service is to stay stopped.
    pub fn stop_marker(&self, service: &str) -> PathBuf {
        self.path.join("run").join(format!("{service}.stop"))
    }

    /// Held by the supervisor as long as it lives.
    pub fn lock(&self) -> PathBuf {
        self.path.join("run").join("lock")
    }

    /// Where a service that keeps files keeps them.
    pub fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// A number that differs from folder to folder and stays the same for one.
    pub fn fingerprint(&self) -> u32 {
        // FNV-1a: the standard library's hasher promises no stable value across Rust versions.
        self.path
            .as_os_str()
            .as_encoded_bytes()
            .iter()
            .fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_empty_counts_as_none() -> Result<()> {
        let root = tempfile::tempdir()?;
        assert_eq!(Folder::wished(root.path(), "")?.path, root.path().join(".dev"));
        assert_eq!(Folder::wished(root.path(), ".dev-two")?.path, root.path().join(".dev-two"));
        assert!(!root.path().join("data").exists());
        Ok(())
    }
}
