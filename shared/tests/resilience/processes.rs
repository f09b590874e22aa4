//! Many processes, as on Lambda each environment is one, and processes that are killed in the middle.
//!
//! A process is this very program, started again to run the one test that is ignored otherwise.

use std::env;
use std::process::{Child, Command, Stdio, id};
use std::thread::sleep;
use std::time::Duration;

use bytes::Bytes;
use shared::breaker::{Admission, Breaker, Effect, Outcome, Phase, Reported, Settings};
use shared::cache::{Cache, Entry, Region};
use shared::database::{self, Database, Statement};
use sqlx::FromRow;

use crate::breaker::{later, leases_end, opening_ends};
use crate::server::{Server, client, eventually};

#[path = "../database/servers.rs"]
#[expect(dead_code, reason = "the tests of the database use more of it")]
mod servers;
use servers::Servers;

const ROLE: &str = "RESILIENCE_ROLE";
const REDIS: &str = "RESILIENCE_REDIS";
const DATABASE: &str = "RESILIENCE_DATABASE";

/// No test takes so long, on whatever machine.
const LONG: Duration = Duration::from_mins(10);

/// Only what a test does makes another reader take over.
const PRODUCTS: Region = Region { lease: LONG, wait: LONG, ..Region::new("product") };

/// A lease that 200 processes on a busy machine need not fear.
const PAYMENTS: Settings = Settings { lease: LONG, ..Settings::DEFAULT };

/// Counts itself in the database, then takes its time.
static SLOW: Statement = Statement::new(
    "test.slow",
    "select nextval('fills') as version, pg_sleep((select seconds from pace))::text as slept",
);

#[derive(FromRow)]
struct Slow {
    version: i64,
}

#[tokio::test]
#[ignore = "a process that the other tests start"]
async fn process() {
    match env::var(ROLE).as_deref() {
        Ok("reader") => reader().await,
        Ok("racer") => racer().await,
        _ => {}
    }
}

/// What the processes tell each other, in the Redis of the test.
struct Board(::redis::Connection);

impl Board {
    fn of(url: &str) -> Self {
        Self(::redis::Client::open(url).and_then(|client| client.get_connection()).expect("Redis"))
    }

    fn write(&mut self, list: &str, value: &dyn ToString) {
        ::redis::cmd("RPUSH").arg(list).arg(value.to_string()).exec(&mut self.0).expect("written");
    }

    fn read(&mut self, list: &str) -> Vec<String> {
        ::redis::cmd("LRANGE").arg(list).arg(0).arg(-1).query(&mut self.0).expect("a list")
    }

    /// Blocks until somebody has written to the list.
    fn wait_for(&mut self, list: &str) {
        while self.read(list).is_empty() {
            sleep(Duration::from_millis(5));
        }
    }

    /// Blocks until all are here and may begin.
    fn line_up(&mut self) {
        self.write("ready", &id());
        self.wait_for("go");
    }
}

/// Processes of one role, killed at the end if they still live.
struct Fleet(Vec<Child>);

impl Fleet {
    fn start(size: usize, role: &str, redis: &str, database: &str) -> Self {
        let start = || {
            Command::new(env::current_exe().expect("this program"))
                .args(["--exact", "processes::process", "--ignored"])
                .envs([(ROLE, role), (REDIS, redis), (DATABASE, database)])
                .stdout(Stdio::null())
                .spawn()
                .expect("a process")
        };
        Self((0..size).map(|_| start()).collect())
    }

    fn kill(&mut self, pid: &str) {
        let child = self.0.iter_mut().find(|child| child.id().to_string() == pid).expect("one of ours");
        child.kill().expect("killed");
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

async fn reader() {
    let (url, database) = (env::var(REDIS).expect("a URL"), env::var(DATABASE).expect("a URL"));
    let (redis, mut board) = (client(&url), Board::of(&url));
    let settings = database::Settings::new(&database).expect("a database's URL");
    let database = Database::new(settings.acquire_limit(LONG).statement_limit(LONG));
    let cache = Cache::new(PRODUCTS, redis.clone());
    board.line_up();
    let looked_up = redis.batch(cache.lookup("1")).await;
    let value = looked_up.or_fill(async || {
        Board::of(&url).write("filling", &id());
        let row: Slow = database.fetch_one(&SLOW).await?;
        let body = Bytes::from(format!("[{}]", row.version));
        Ok::<_, database::Error>(Some(Entry { body, version: row.version }))
    });
    let version = value.await.expect("an answer").expect("a value").version;
    board.write("values", &version);
}

/// A Redis, and a Postgres that counts what it is asked.
struct Shop {
    redis: Server,
    postgres: Servers,
    owner: Database,
}

impl Shop {
    async fn open() -> Self {
        let (redis, postgres) = (Server::start(), Servers::start().await);
        let owner = Database::new(postgres.owner());
        for text in [
            "create sequence fills",
            "create table pace as select 0.5 as seconds",
            "grant usage on sequence fills to millrace_app",
            "grant select on pace to millrace_app",
            "alter role millrace_app set statement_timeout = 0",
        ] {
            owner.execute(&Statement::new("test.prepare", text)).await.expect("prepared");
        }
        Self { redis, postgres, owner }
    }

    async fn takes(&self, seconds: i32) {
        static PACE: Statement = Statement::new("test.pace", "update pace set seconds = $1");
        self.owner.execute(PACE.bind(seconds)).await.expect("updates");
    }

    async fn queries(&self) -> i64 {
        static COUNT: Statement = Statement::new(
            "test.count",
            "select case when is_called then last_value else 0 end as version from fills",
        );
        let row: Slow = self.owner.fetch_one(&COUNT).await.expect("a count");
        row.version
    }
}

const READERS: usize = 64;

#[tokio::test]
async fn sixty_four_cold_readers_cause_one_query() {
    let shop = Shop::open().await;
    let mut board = Board::of(&shop.redis.url());
    let _fleet = Fleet::start(READERS, "reader", &shop.redis.url(), &shop.postgres.pooled_url());
    eventually("all are ready", async || board.read("ready").len() == READERS).await;
    board.write("go", &1);
    eventually("all have the value", async || board.read("values").len() == READERS).await;
    assert!(board.read("values").iter().all(|version| version == "1"));
    assert_eq!(shop.queries().await, 1);
}

#[tokio::test]
async fn when_the_filling_process_is_killed_there_are_two() {
    let shop = Shop::open().await;
    let mut board = Board::of(&shop.redis.url());
    shop.takes(60).await;
    let mut fleet = Fleet::start(READERS, "reader", &shop.redis.url(), &shop.postgres.pooled_url());
    eventually("all are ready", async || board.read("ready").len() == READERS).await;
    board.write("go", &1);
    board.wait_for("filling");
    eventually("its query runs", async || shop.queries().await == 1).await;
    fleet.kill(&board.read("filling")[0]);
    shop.takes(0).await;
    shop.redis.query::<()>(&["HSET", "cache:product:1", "lease", "0"]);
    eventually("all others have the value", async || board.read("values").len() == READERS - 1).await;
    assert!(board.read("values").iter().all(|version| version == "2"));
    assert_eq!((board.read("filling").len(), shop.queries().await), (2, 2));
}

async fn racer() {
    let url = env::var(REDIS).expect("a URL");
    let (redis, mut board) = (client(&url), Board::of(&url));
    let breaker = Breaker::new("payments", PAYMENTS, redis.clone(), id().to_string());
    board.line_up();
    match redis.batch(breaker.acquire()).await {
        Admission::Probe(permit) => {
            board.write("probes", &id());
            board.wait_for("finish");
            let reported = permit.report(Outcome::Ok).await;
            board.write("reports", &format!("{reported:?}"));
        }
        Admission::Deny { .. } => board.write("denied", &id()),
        Admission::Allow(_) => board.write("allowed", &id()),
    }
}

const RACERS: usize = 200;

#[tokio::test]
async fn two_hundred_racers_for_a_half_open_breaker_get_three_probes_and_dead_ones_open_it_again() {
    let server = Server::start();
    let (redis, mut board) = (server.client(), Board::of(&server.url()));
    let breaker = Breaker::new("payments", PAYMENTS, redis.clone(), "the test");
    let acquire = async || redis.batch(breaker.acquire()).await;
    let mut fleet = Fleet::start(RACERS, "racer", &server.url(), "");
    eventually("all are ready", async || board.read("ready").len() == RACERS).await;
    while let Admission::Allow(permit) = acquire().await {
        permit.report(Outcome::Failed).await;
    }
    later(&server, "payments", opening_ends);
    board.write("go", &1);
    eventually("all have asked", async || board.read("probes").len() + board.read("denied").len() == RACERS)
        .await;
    let probes = board.read("probes");
    assert_eq!((probes.len(), board.read("allowed").len()), (3, 0));

    fleet.kill(&probes[0]);
    fleet.kill(&probes[1]);
    board.write("finish", &1);
    eventually("the third reports", async || !board.read("reports").is_empty()).await;
    let counted = format!("{:?}", Reported::Shared(Effect::Counted));
    assert_eq!(board.read("reports"), [counted], "one success closes nothing");
    later(&server, "payments", leases_end);
    assert!(matches!(acquire().await, Admission::Deny { .. }), "it opens again");
    let shown = redis.batch(breaker.show()).await.expect("Redis is there");
    assert_eq!((shown.machine.phase, shown.machine.interval), (Phase::Open, 120_000));

    later(&server, "payments", opening_ends);
    let mut last = Reported::NotNeeded;
    for _ in 0..3 {
        let Admission::Probe(probe) = acquire().await else { panic!("three may probe again") };
        last = probe.report(Outcome::Ok).await;
    }
    assert_eq!(last, Reported::Shared(Effect::Closed));
}
