//! The local cloud, as its `env` file describes it.

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;
use std::sync::OnceLock;

use ::cloud::key_value;
use shared::database::{Database, Settings};

/// Where the local cloud keeps what it writes.
pub(crate) fn folder() -> PathBuf {
    let folder = env::var("MILLRACE_DEV_DIR").unwrap_or_else(|_| ".dev".to_owned());
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(folder)
}

/// A value of what the local cloud wrote down when it started: `$MILLRACE_DEV_DIR/env`, by default `.dev/env`.
pub fn env(name: &str) -> &'static str {
    static ENVIRONMENT: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    let path = folder().join("env");
    let environment = ENVIRONMENT.get_or_init(|| key_value::read(&path).expect("the cloud's environment"));
    environment
        .get(name)
        .unwrap_or_else(|| panic!("no {name} in {}; ./dev up --detach starts a local cloud", path.display()))
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
