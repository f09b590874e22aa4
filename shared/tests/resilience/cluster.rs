//! A Redis cluster of three nodes.

use std::time::Duration;

use crate::ask::{Ask, COUNT, ECHO, ask_on, some};
use crate::certificates::certificates;
use crate::server::{PATIENCE, Server, eventually, patient, showing};
use shared::breaker::{Admission, Breaker};
use shared::cache::{Cache, Entry, Region};
use shared::http::limits::{API, LOGIN};
use shared::rate_limit::{Identity, Limiter};
use shared::redis::{Redis, Settings};
use shared::telemetry::{Counter, Record};
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

    /// Its nodes tell no host, because whoever asks knows how to reach them.
    async fn start_without_hosts() -> Self {
        let silent = ["--cluster-preferred-endpoint-type", "unknown-endpoint"].map(str::to_owned).to_vec();
        Self::of_nodes(TempDir::new().expect("a folder"), "", None, silent).await
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

    /// How a slot goes to another node than the one that has it, in the steps of redis-cli.
    fn journey(&self, key: &str) -> Journey<'_> {
        let slot: usize = self.nodes[0].query(&["CLUSTER", "KEYSLOT", key]);
        let from = usize::from(slot > 5460) + usize::from(slot > 10922);
        let [from, to, third] = [from, from + 1, from + 2].map(|node| &self.nodes[node % 3]);
        Journey { slot: slot.to_string(), from, to, third }
    }

    /// Gives a slot to another node. The third one has not heard of it yet, as it may be in a cluster of many.
    async fn move_slot(&self, key: &str) {
        let journey = self.journey(key);
        let Journey { slot, from, to, third } = &journey;
        journey.begin();
        journey.end();
        let moved = format!(" {slot} {}:{}", self.host, to.port());
        eventually("every node knows where the slot is", async || {
            [from, third].iter().all(|node| {
                let asked: Result<i64, _> = ::redis::cmd("EXISTS").arg(key).query(&mut node.raw());
                asked.is_err_and(|error| error.to_string().contains(&moved))
            })
        })
        .await;
        journey.set(third, "NODE", from);
    }
}

struct Journey<'a> {
    slot: String,
    from: &'a Server,
    to: &'a Server,
    third: &'a Server,
}

impl Journey<'_> {
    fn begin(&self) {
        self.set(self.to, "IMPORTING", self.from);
        self.set(self.from, "MIGRATING", self.to);
    }

    fn end(&self) {
        for node in [self.to, self.from, self.third] {
            self.set(node, "NODE", self.to);
        }
    }

    fn set(&self, node: &Server, how: &str, other: &Server) {
        let id: String = other.query(&["CLUSTER", "MYID"]);
        node.query::<()>(&["CLUSTER", "SETSLOT", &self.slot, how, &id]);
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
async fn where_a_slot_has_moved_to_is_learned_once() {
    let cluster = Cluster::start().await;
    let redis = cluster.client();
    redis.batch(everywhere()).await;
    cluster.move_slot("a").await;
    let refused = || {
        let stats: String = cluster.journey("a").from.query(&["INFO", "errorstats"]);
        stats.lines().find_map(|line| line.strip_prefix("errorstat_MOVED:count=")?.parse::<u64>().ok())
    };
    let before = refused();
    for n in 1..4 {
        assert_eq!(redis.batch(ask_on("a", &COUNT, "")).await, some(&n.to_string()));
    }
    assert_eq!(refused(), before.map(|count| count + 1));
}

#[tokio::test]
async fn while_a_slot_moves_its_keys_are_found_on_either_side() {
    let cluster = Cluster::start().await;
    let redis = cluster.client();
    let both_keys = || vec![ask_on("{a} old", &COUNT, ""), ask_on("{a} new", &COUNT, "")];
    let count_both = async || redis.batch(both_keys()).await;
    let (journey, both) = (cluster.journey("{a}"), |old, new| vec![some(old), some(new)]);
    assert_eq!(redis.batch(ask_on("{a} old", &COUNT, "")).await, some("1"));
    journey.begin();
    assert_eq!(count_both().await, both("2", "1"));
    assert_eq!(journey.from.query::<i64>(&["DBSIZE"]), 1, "the new key is where the slot goes");
    assert_eq!(count_both().await, both("3", "2"));
    let port = journey.to.port().to_string();
    journey.from.query::<()>(&["MIGRATE", "127.0.0.1", &port, "{a} old", "0", "60000"]);
    assert_eq!(count_both().await, both("4", "3"), "all keys have moved, and their slot not yet");
    journey.end();
    assert_eq!(count_both().await, both("5", "4"));
}

#[tokio::test]
async fn nodes_that_tell_no_host_are_where_the_one_is_that_was_asked() {
    let cluster = Cluster::start_without_hosts().await;
    answers_a_batch_in_order(&cluster).await;
    cluster.move_slot("a").await;
    assert_eq!(cluster.client().batch(ask_on("a", &COUNT, "")).await, some("1"));
}

#[tokio::test]
async fn each_node_is_told_the_password() {
    let cluster = Cluster::start().await;
    for node in &cluster.nodes {
        node.query::<()>(&["CONFIG", "SET", "requirepass", "open sesame"]);
    }
    let url = cluster.settings().url.replace("//", "//:open%20sesame@");
    let redis = Redis::new(Settings { url, ..cluster.settings() }).expect("a valid URL");
    assert!(redis.batch(everywhere()).await.iter().all(|count| *count == some("1")));
    assert_eq!(cluster.client().batch(ask_on("a", &COUNT, "")).await, None, "who tells none is not let in");
}

#[tokio::test]
async fn each_node_reads_its_part_of_a_batch_at_once() {
    let cluster = Cluster::start().await;
    let redis = cluster.client();
    redis.batch(everywhere()).await;
    let mut watchers: Vec<_> = cluster.nodes.iter().map(Server::raw).collect();
    let mut reads = || -> Vec<u64> {
        let reads = |watcher: &mut ::redis::Connection| {
            let stats: String = ::redis::cmd("INFO").arg("stats").query(watcher).expect("INFO");
            let line = stats.lines().find_map(|line| line.strip_prefix("total_reads_processed:"));
            line.expect("a line of INFO").parse().expect("a number")
        };
        watchers.iter_mut().map(reads).collect()
    };
    let before = reads();
    redis.batch(everywhere()).await;
    // The second look itself is read too.
    let expected: Vec<_> = before.iter().map(|reads| reads + 2).collect();
    assert_eq!(reads(), expected);
}

#[tokio::test]
async fn a_node_that_hangs_keeps_nothing_from_the_others() {
    let cluster = Cluster::start().await;
    let limit = Duration::from_secs(1);
    let redis = Redis::new(Settings { response_limit: limit, ..cluster.settings() }).expect("a valid URL");
    eventually("the cluster answers", async || redis.batch(everywhere()).await.iter().all(Option::is_some))
        .await;
    let carried_out =
        || cluster.nodes[1..].iter().map(|node| node.calls(&["evalsha"])[0]).collect::<Vec<_>>();
    let before = carried_out();
    cluster.nodes[0].pause();
    assert!(redis.batch(everywhere()).await.iter().all(Option::is_none), "a batch is answered as a whole");
    assert!(carried_out().iter().zip(before).all(|(now, before)| *now > before));
    cluster.nodes[0].resume();
}

#[tokio::test]
async fn a_node_that_closes_its_connection_costs_no_other_connection() {
    let cluster = Cluster::start().await;
    let redis = cluster.client();
    let connections = async |expected: &str| {
        let record = Record::begin("", None);
        let counts = record.observe(redis.batch(everywhere())).await;
        assert!(counts.iter().all(|count| *count == some(expected)), "{counts:?}");
        record.count_of(Counter::RedisConnected)
    };
    assert_eq!(connections("1").await, 3);
    cluster.nodes[1].query::<i64>(&["CLIENT", "KILL", "TYPE", "normal"]);
    assert_eq!(connections("2").await, 1);
    assert_eq!(connections("3").await, 0);
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
