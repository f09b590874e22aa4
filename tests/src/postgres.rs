//! Taking Postgres away without its going away: every process of it stands still, and its sockets stay open.

use std::path::Path;

use ::cloud::folder::Folder;
use ::cloud::process::Identity;
use ::cloud::record;
use ::cloud::service::Service;
use nix::sys::signal::Signal;

use crate::folder;

/// A Postgres that stands still, until this is dropped.
pub struct Paused(Identity);

/// Pauses the cloud's Postgres.
pub fn pause_postgres() -> Paused {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let folder = Folder::at(root, &folder(), "./dev").expect("the cloud's folder");
    let record = record::read(&folder, Service::Postgres.name()).expect("a record of Postgres");
    let postmaster = record.alive().expect("Postgres runs");
    // Alone at first, so that it starts nothing between listing and stopping.
    postmaster.signal(Signal::SIGSTOP);
    postmaster.signal_family(Signal::SIGSTOP);
    Paused(postmaster)
}

impl Drop for Paused {
    fn drop(&mut self) {
        self.0.signal_family(Signal::SIGCONT);
    }
}
