//! The local cloud, as its `env` file describes it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::{env, fs};

use shared::database::{Database, Settings};

/// What the local cloud wrote down when it started: `$MILLRACE_DEV_DIR/env`, by default `.dev/env`.
pub fn environment() -> &'static BTreeMap<String, String> {
    static ENVIRONMENT: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| {
        let path = folder().join("env");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| {
            panic!("no local cloud: {}: {error}; start one with ./dev up --detach", path.display())
        });
        text.lines()
            .filter_map(|line| line.split_once('='))
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect()
    })
}

/// Where the local cloud keeps what it writes.
pub(crate) fn folder() -> PathBuf {
    let folder = env::var("MILLRACE_DEV_DIR").unwrap_or_else(|_| ".dev".to_owned());
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(folder)
}

/// One value of the environment.
pub fn env(name: &str) -> &'static str {
    environment().get(name).unwrap_or_else(|| panic!("the local cloud's env file has no {name}"))
}

/// The database as its owner sees it. One pool for the whole test: nextest gives each test a process of its own.
pub fn database() -> &'static Database {
    static DATABASE: OnceLock<Database> = OnceLock::new();
    DATABASE.get_or_init(own_database)
}

/// The same, for a runtime of one's own: a connection belongs to the runtime in which it was made.
pub(crate) fn own_database() -> Database {
    let settings = Settings::new(env("DATABASE_DIRECT_URL")).expect("an address of a database");
    Database::new(settings.connections(2))
}
