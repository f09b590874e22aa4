//! The functions' lines to the servers, each through a [`Relay`]. What chaos itself asks of them goes straight.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::relay::Relay;
use cloud::Cloud;
use cloud::ports::Ports;
use cloud::service::Service;

/// The servers before which there is a relay. The functions' way to Postgres begins at the pooler.
const SERVED: [Service; 3] = [Service::Pgbouncer, Service::Redis, Service::Payments];
/// The lines' ports are this far from the servers' own, some of which nobody has taken yet.
const APART: u32 = 1_000;

/// One relay before each of those servers.
pub(super) struct Lines(BTreeMap<Service, Line>);

struct Line {
    relay: Relay,
    /// The server's own port, and the line's.
    own: u16,
    port: u16,
}

impl Lines {
    /// Opens all of them.
    pub(super) async fn open(cloud: &Cloud) -> Result<Self> {
        let path = cloud.folder.path.join("lines");
        let seed = cloud.folder.fingerprint().wrapping_add(APART);
        let ports = Ports::choose(&path, &SERVED.map(Service::name), seed)?;
        let mut lines = BTreeMap::new();
        for service in SERVED {
            let (own, port) =
                (cloud.port(service)?, ports.get(service.name()).context("a port for each line")?);
            let relay = Relay::open(port, own).await.context("a line's port is taken")?;
            lines.insert(service, Line { relay, own, port });
        }
        Ok(Self(lines))
    }

    /// The relay before a server, if there is one.
    pub(super) fn before(&self, service: Service) -> Option<&Relay> {
        self.0.get(&service).map(|line| &line.relay)
    }

    /// An address of a server, by way of its line.
    pub(super) fn by_way_of(&self, address: &str) -> String {
        self.0.values().fold(address.to_owned(), |address, Line { own, port, .. }| {
            address.replace(&format!("127.0.0.1:{own}"), &format!("127.0.0.1:{port}"))
        })
    }
}
