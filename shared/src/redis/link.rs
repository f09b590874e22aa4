//! One server, or a cluster of them, behind one interface.
//!
//! `ElastiCache` Serverless shows a single node whatever stands behind it, so one connection serves it. A cluster that
//! shows its nodes needs one to each, and a map of what they hold (`cluster.rs`).

use std::time::Duration;

use redis::{Cmd, RedisResult, Value};

use super::cluster::Cluster;
use super::door::Door;
use super::wire::Wire;

/// An open connection.
pub(super) enum Link {
    Single(Wire),
    Cluster(Cluster),
}

impl Link {
    pub(super) async fn open(door: &Door, cluster: bool) -> RedisResult<Self> {
        if cluster {
            Cluster::open(door).await.map(Self::Cluster)
        } else {
            door.open(&door.host, door.port).await.map(Self::Single)
        }
    }

    /// Whether it may be used again. Of a cluster's nodes only what is of no use is closed.
    pub(super) fn is_open(&mut self, idle_limit: Duration) -> bool {
        match self {
            Self::Single(wire) => wire.is_open(idle_limit),
            Self::Cluster(cluster) => cluster.is_open(idle_limit),
        }
    }

    /// Whether these commands can be sent without connecting first.
    pub(super) fn reaches(&self, commands: &[Cmd]) -> bool {
        match self {
            Self::Single(_) => true,
            Self::Cluster(cluster) => cluster.reaches(commands),
        }
    }

    /// Sends all commands at once. The reply of each, or an error if the connection is of no use any more, as it is
    /// when this future is dropped.
    pub(super) async fn send(
        &mut self,
        door: &Door,
        commands: &[Cmd],
    ) -> RedisResult<Vec<RedisResult<Value>>> {
        match self {
            Self::Single(wire) => wire.send(commands).await,
            // Boxed: it is rare and large, and a request's future is moved whole.
            Self::Cluster(cluster) => Box::pin(cluster.send(door, commands)).await,
        }
    }
}
