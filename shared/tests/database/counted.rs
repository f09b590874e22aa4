//! What a statement costs is counted and measured for the invocation that sent it.

use shared::database::{Database, Error, Settings, Statement};
use shared::telemetry::{Counter, Record, Timer};

use crate::servers::Servers;

static ONE: Statement = Statement::new("test.one", "select 1");
static LONG: Statement = Statement::new("test.long", "select length($1)").long();
static TERMINATE: Statement = Statement::new("test.terminate", "select pg_terminate_backend($1)");
static BACKEND: Statement = Statement::new("test.backend", "select pg_backend_pid()");

/// Of `work`: connections opened, round trips, times that Postgres was away.
async fn counted<T>(work: impl Future<Output = T>) -> ([u32; 3], Record) {
    let record = Record::begin("", None);
    record.observe(work).await;
    let counters = [Counter::DatabaseConnected, Counter::DatabaseRoundTrips, Counter::DatabaseAway];
    (counters.map(|counter| record.count_of(counter)), record)
}

#[tokio::test]
async fn a_statement_is_one_round_trip_and_a_transaction_two_more() {
    let servers = Servers::start().await;
    let database = Database::new(servers.pooled());
    let one = || database.fetch_one::<(i32,)>(&ONE);
    assert_eq!(counted(one()).await.0, [1, 1, 0]);
    let (counts, record) = counted(one()).await;
    assert_eq!(counts, [0, 1, 0]);
    let [all, wait] = [Timer::DatabaseTime, Timer::PoolWait].map(|timer| record.time_of(timer));
    assert!(wait.is_some() && all > wait, "{all:?} holds {wait:?}");
    let transaction = database.transaction(async |tx| tx.fetch_one::<(i32,)>(&ONE).await);
    assert_eq!(counted(transaction).await.0, [0, 3, 0]);
}

#[tokio::test]
async fn a_connection_for_which_rds_proxy_pins_is_closed() {
    let servers = Servers::start().await;
    let database = Database::new(servers.pooled());
    let send = |length| database.fetch_one::<(i32,)>(LONG.bind("a".repeat(length)));
    for (length, opened) in [(10_000, 1), (20_000, 0), (10_000, 1), (10_000, 0)] {
        assert_eq!(counted(send(length)).await.0, [opened, 1, 0], "{length}");
    }
}

#[tokio::test]
async fn a_database_that_is_away_is_counted() {
    let settings = Settings::new("postgres://app:secret@localhost/shop?host=/nowhere").expect("valid");
    let database = Database::new(settings);
    assert_eq!(counted(database.fetch_one::<(i32,)>(&ONE)).await.0, [0, 0, 1]);

    let servers = Servers::start().await;
    let (owner, database) = (Database::new(servers.owner()), Database::new(servers.direct()));
    let (backend,): (i32,) = database.fetch_one(&BACKEND).await.expect("answers");
    owner.execute(TERMINATE.bind(backend)).await.expect("terminates");
    let lost = async {
        let lost: Result<(i32,), Error> = database.fetch_one(&ONE).await;
        lost.expect_err("the connection was closed");
    };
    assert_eq!(counted(lost).await.0, [0, 1, 1]);
}
