//! Ports on 127.0.0.1: chosen free, and remembered so that yesterday's curl line works today.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::key_value;

/// Below the range that kernels hand to outgoing connections (from 32768 on Linux, 49152 on macOS), which could take a
/// remembered port while its service is stopped.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

/// The port of each service.
#[derive(Clone, Debug, Default)]
pub struct Ports(BTreeMap<String, u16>);

impl Ports {
    /// The remembered ports.
    pub fn load(path: &Path) -> Result<Self> {
        let parsed =
            key_value::read(path)?.into_iter().filter_map(|(name, port)| Some((name, port.parse().ok()?)));
        Ok(Self(parsed.collect()))
    }

    /// A free port for each name: the remembered one, or another where somebody took it meanwhile. `seed` spreads the
    /// first choices of different clouds.
    pub fn choose(path: &Path, names: &[&str], seed: u32) -> Result<Self> {
        let remembered = Self::load(path)?.0;
        let mut chosen = BTreeMap::new();
        for name in names {
            let port = remembered.get(*name).copied().filter(|port| is_free(*port)).map_or_else(
                || {
                    // Remembered ports of other services are theirs, even if nothing listens there yet.
                    let taken = |port| chosen.values().chain(remembered.values()).any(|other| *other == port);
                    candidates(seed).find(|port| !taken(*port) && is_free(*port))
                },
                Some,
            );
            chosen.insert((*name).to_owned(), port.context("no port between 20000 and 32000 is free")?);
        }
        key_value::write(path, chosen.iter().map(|(name, port)| (name, port.to_string())))?;
        Ok(Self(chosen))
    }

    /// The port of a service, if it has one.
    pub fn get(&self, name: &str) -> Option<u16> {
        self.0.get(name).copied()
    }
}

fn candidates(seed: u32) -> impl Iterator<Item = u16> {
    let length = u32::from(RANGE.end - RANGE.start);
    (0..length)
        .map(move |step| RANGE.start + u16::try_from((seed % length + step) % length).unwrap_or_default())
}

/// Nothing listens here: neither on 127.0.0.1 nor, where a bind would not notice (macOS), on every address.
fn is_free(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpListener::bind(address).is_ok()
        && TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_a_port_across_runs() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("ports");
        let first = Ports::choose(&path, &["redis", "sqs"], 11)?;
        let second = Ports::choose(&path, &["redis", "sqs"], 99)?;
        assert_eq!(first.get("redis"), second.get("redis"));
        assert_eq!(first.get("sqs"), second.get("sqs"));
        assert_ne!(first.get("sqs"), first.get("redis"));
        Ok(())
    }

    #[test]
    fn it_chooses_another_port_when_somebody_took_the_remembered_one() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("ports");
        let squatter = TcpListener::bind("127.0.0.1:0")?;
        let taken = squatter.local_addr()?.port();
        key_value::write(&path, [("redis", taken.to_string())])?;
        let ports = Ports::choose(&path, &["redis"], 0)?;
        assert_ne!(ports.get("redis"), Some(taken));
        Ok(())
    }

    #[test]
    fn it_chooses_ports_outside_the_ephemeral_range() {
        assert!(candidates(u32::MAX).all(|port| RANGE.contains(&port)));
        assert_eq!(candidates(7).count(), RANGE.len());
    }
}
