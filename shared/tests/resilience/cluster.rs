//! A Redis cluster of three nodes.

use crate::ask::{Ask, COUNT, ECHO, ask_on, some};
use crate::certificates::certificates;
use crate::server::{PATIENCE, Server, eventually, patient, showing};
use shared::breaker::{Admission, Breaker};
use shared::cache::{Cache, Entry, Region};
use shared::http::limits::{API, LOGIN};
use shared::rate_limit::{Identity, Limiter};
use shared::redis::{Redis, Settings};
use tempfile::TempDir;
use tokio::time::timeout;

/// Nodes with a third of the 16,384 slots each.
pub(crate) struct Cluster {
    nodes: Vec<Server>,
    /// By which name nodes send clients to each other.
    host: &'static str,
    /// Who signed the nodes' certificates, where clients speak TLS.
    authority: Option<Vec<u8>>,
    _folder: TempDir,
}

const RANGES: [(&str, &str); 3] = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];

impl Cluster {
    async fn start() -> Self {
        Self::of_nodes(TempDir::new().expect("a folder"), "127.0.0.1", None, Vec::new()).await
    }

    /// Its nodes speak TLS with clients and with each other. The test itself looks behind the scenes without.
    pub(crate) async fn start_with_tls() -> Self {
        let (folder, certificates) = (TempDir::new().expect("a folder"), certificates());
        let mut arguments = showing(&certificates, folder.path());
        // Certificates are for names, so clients have to be told of nodes by name.
        let hosts =
            ["--cluster-announce-hostname", "localhost", "--cluster-preferred-endpoint-type", "hostname"];
        let tls = ["--tls-port", "{tls}", "--tls-cluster", "yes", "--tls-replication", "yes"];
        arguments.extend(hosts.into_iter().chain(tls).map(str::to_owned));
        Self::of_nodes(folder, "localhost", Some(certificates.authority.into_bytes()), arguments).await
    }

    async fn of_nodes(
        folder: TempDir,
        host: &'static str,
        authority: Option<Vec<u8>>,
        mut arguments: Vec<String>,
    ) -> Self {
        let path = folder.path().to_str().expect("UTF-8").to_owned();
        let own = [
            "--dir",
            &path,
            "--cluster-enabled",
            "yes",
            "--cluster-config-file",
            "nodes-{bus}.conf",
            "--cluster-port",
            "{bus}",
            // Longer than a node on a busy machine is silent.
            "--cluster-node-timeout",
            "60000",
        ];
        arguments.extend(own.map(str::to_owned));
        let nodes: Vec<Server> = (0..3).map(|_| Server::start_with(&arguments)).collect();
        for (n, (node, (first, last))) in nodes.iter().zip(RANGES).enumerate() {
            node.query::<()>(&["CLUSTER", "ADDSLOTSRANGE", first, last]);
            // As redis-cli does: nodes that begin with one epoch settle that later among themselves, and one that
            // gains an epoch so takes slots back that were moved meanwhile.
            node.query::<()>(&["CLUSTER", "SET-CONFIG-EPOCH", &(n + 1).to_string()]);
        }
        for node in &nodes[1..] {
            let (_, bus): (String, String) = node.query(&["CONFIG", "GET", "cluster-port"]);
            nodes[0].query::<()>(&["CLUSTER", "MEET", "127.0.0.1", &node.port().to_string(), &bus]);
        }
        let cluster = Self { nodes, host, authority, _folder: folder };
        cluster.is_whole().await;
        cluster
    }

    /// Waits until every node knows where all slots are.
    async fn is_whole(&self) {
        eventually("every node knows all slots", async || {
            self.nodes.iter().all(|node| {
                let info: String = node.query(&["CLUSTER", "INFO"]);
                info.contains("cluster_state:ok") && info.contains("cluster_slots_ok:16384")
            })
        })
        .await;
    }

    pub(crate) fn settings(&self) -> Settings {
        let ca_certificate = self.authority.clone();
        let url = if ca_certificate.is_some() {
            let (_, port): (String, String) = self.nodes[0].query(&["CONFIG", "GET", "tls-port"]);
            format!("rediss://{}:{port}", self.host)
        } else {
            self.nodes[0].url()
        };
        Settings { cluster: true, ca_certificate, ..patient(&url) }
    }

    fn client(&self) -> Redis {
        Redis::new(self.settings()).expect("a valid URL")
    }

    /// Gives a slot to another node than the one that has it, in the steps of redis-cli. The third node has not heard
    /// of it yet, as it may be in a cluster of many.
    async fn move_slot(&self, key: &str) {
        let slot: u32 = self.nodes[0].query(&["CLUSTER", "KEYSLOT", key]);
        let from = usize::from(slot > 5460) + usize::from(slot > 10922);
        let (to, third) = ((from + 1) % 3, (from + 2) % 3);
        let id = |node: usize| self.nodes[node].query::<String>(&["CLUSTER", "MYID"]);
        let set = |node: usize, how: &str, id: &str| {
            self.nodes[node].query::<()>(&["CLUSTER", "SETSLOT", &slot.to_string(), how, id]);
        };
        set(to, "IMPORTING", &id(from));
        set(from, "MIGRATING", &id(to));
        for node in [to, from, third] {
            set(node, "NODE", &id(to));
        }
        let moved = format!(" {slot} {}:{}", self.host, self.nodes[to].port());
        eventually("every node knows where the slot is", async || {
            [from, third].iter().all(|node| {
                let asked: Result<i64, _> =
                    ::redis::cmd("EXISTS").arg(key).query(&mut self.nodes[*node].raw());
                asked.is_err_and(|error| error.to_string().contains(&moved))
            })
        })
        .await;
        set(third, "NODE", &id(from));
    }
}

/// A batch over some twenty slots, and so over all nodes.
fn everywhere() -> Vec<Ask> {
    (0..20).map(|n| ask_on(&format!("key {n}"), &COUNT, "")).collect()
}

pub(crate) async fn answers_a_batch_in_order(cluster: &Cluster) {
    let redis = cluster.client();
    let batch: Vec<_> = (0..20).map(|n| ask_on(&format!("key {n}"), &ECHO, &n.to_string())).collect();
    let expected: Vec<_> = (0..20).map(|n| some(&n.to_string())).collect();
    assert_eq!(redis.batch(batch).await, expected);
    assert!(cluster.nodes.iter().all(|node| node.calls(&["eval"])[0] > 0), "each node had a part of it");
    let ones: Vec<_> = (0..20).map(|_| some("1")).collect();
    assert_eq!(redis.batch(everywhere()).await, ones, "each was carried out once");
}

#[tokio::test]
async fn a_batch_across_slots_is_answered_in_order() {
    answers_a_batch_in_order(&Cluster::start().await).await;
}

#[tokio::test]
async fn cache_limiter_and_breaker_travel_together() {
    let cluster = Cluster::start().await;
    let redis = cluster.client();
    let limiter = Limiter::default();
    let breaker = Breaker::new("payments", shared::breaker::Settings::DEFAULT, redis.clone(), "a");
    let cache = Cache::new(Region::new("product"), redis.clone());
    let searches = Cache::new(Region::new("search").in_generations(), redis.clone());
    for _ in 0..2 {
        let check = limiter.check(&Identity::user("ann"), &[API, LOGIN]);
        let (verdict, looked_up, found, admission) =
            redis.batch((check, cache.lookup("1"), searches.lookup("1"), breaker.acquire())).await;
        assert!(verdict.allowed && !verdict.degraded);
        assert!(matches!(admission, Admission::Allow(_)));
        let entry = Some(Entry { body: "{}".into(), version: 1 });
        for looked_up in [looked_up, found] {
            assert_eq!(looked_up.or_fill(async || Ok::<_, ()>(entry.clone())).await, Ok(entry.clone()));
        }
        assert!(redis.batch(searches.renew()).await);
    }
    let stored = cluster.nodes.iter().filter(|node| node.query::<i64>(&["DBSIZE"]) > 0).count();
    assert!(stored > 1, "the keys lie on several nodes");
}

pub(crate) async fn finds_moved_slots(cluster: &Cluster) {
    let redis = cluster.client();
    redis.batch(everywhere()).await;
    for key in ["a", "b", "c", "d", "e"] {
        cluster.move_slot(key).await;
        assert_eq!(redis.batch(ask_on(key, &COUNT, "")).await, some("1"), "{key}");
    }
}

#[tokio::test]
async fn a_slot_that_has_moved_is_found_at_once() {
    finds_moved_slots(&Cluster::start().await).await;
}

#[tokio::test]
async fn closed_connections_are_noticed_before_they_are_used() {
    let cluster = Cluster::start().await;
    let redis = cluster.client();
    redis.batch(everywhere()).await;
    for round in 2..22 {
        for node in &cluster.nodes {
            node.query::<i64>(&["CLIENT", "KILL", "TYPE", "normal"]);
        }
        let counts = redis.batch(everywhere()).await;
        assert!(counts.iter().all(|count| *count == some(&round.to_string())), "{round}: {counts:?}");
    }
}

#[tokio::test]
async fn a_node_that_died_costs_as_little_as_any_outage() {
    let mut cluster = Cluster::start().await;
    let redis = Redis::new(Settings { cluster: true, ..Settings::new(cluster.nodes[0].url()) });
    let redis = redis.expect("a valid URL");
    let all_answer = async || redis.batch(everywhere()).await.iter().all(Option::is_some);
    eventually("the cluster answers", all_answer).await;
    cluster.nodes[2].stop();
    for _ in 0..3 {
        let all = timeout(PATIENCE, all_answer()).await.expect("the client has a limit of its own");
        assert!(!all, "the keys of a node that is away have no answer");
    }
    cluster.nodes[2].start_again();
    cluster.is_whole().await;
    eventually("the cluster answers again", all_answer).await;
}
