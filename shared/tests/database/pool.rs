//! Connections: opened late, kept while good, never shared by two.

use std::time::Duration;

use futures::future::{join, poll_immediate};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use shared::database::{Database, Error, Settings, Statement};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::servers::{PATIENCE, Servers};

static BACKEND: Statement = Statement::new("test.backend", "select pg_backend_pid()");
static TERMINATE: Statement = Statement::new("test.terminate", "select pg_terminate_backend($1)");
static SLEEP: Statement = Statement::new("test.sleep", "select pg_sleep($1)::text");
static CONNECTIONS: Statement = Statement::new(
    "test.connections",
    "select count(*) from pg_stat_activity where usename = 'millrace_app'",
);

async fn backend(database: &Database) -> Result<i32, Error> {
    database.fetch_one::<(i32,)>(&BACKEND).await.map(|(pid,)| pid)
}

#[tokio::test]
async fn it_opens_no_connection_before_the_first_statement() {
    let servers = Servers::start().await;
    let owner = Database::new(servers.owner());
    let database = Database::new(servers.direct());
    assert_eq!(owner.fetch_one::<(i64,)>(&CONNECTIONS).await.expect("answers"), (0,));
    let first = backend(&database).await.expect("answers");
    assert_eq!(owner.fetch_one::<(i64,)>(&CONNECTIONS).await.expect("answers"), (1,));
    assert_eq!(backend(&database).await.expect("answers"), first, "the connection is kept");
}

#[tokio::test]
async fn it_says_so_when_there_is_no_database() {
    let settings = Settings::new("postgres://app:secret@localhost/shop?host=/nowhere").expect("valid");
    let error = backend(&Database::new(settings)).await.expect_err("nothing listens");
    assert!(error.is_unavailable(), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("secret"));
}

#[tokio::test]
async fn it_replaces_a_connection_that_was_closed_while_it_was_idle() {
    let servers = Servers::start().await;
    let owner = Database::new(servers.owner());
    // As if it was idle for more than a second, which is what an environment is between two requests.
    let database = Database::new(servers.direct().trusted_for(Duration::ZERO));
    let closed = backend(&database).await.expect("answers");
    owner.execute(TERMINATE.bind(closed)).await.expect("terminates");
    assert_ne!(backend(&database).await.expect("answers on a fresh connection"), closed);
}

#[tokio::test]
async fn a_connection_that_was_in_use_while_an_idle_one_was_found_lost_is_kept() {
    let servers = Servers::start().await;
    let database = Database::new(servers.direct().connections(2).trusted_for(Duration::ZERO));
    let (told, used) = oneshot::channel();
    let (end, ended) = oneshot::channel();
    let in_use = database.transaction(async |tx| {
        let (pid,): (i32,) = tx.fetch_one(&BACKEND).await?;
        told.send(pid).expect("somebody listens");
        ended.await.expect("it is told to end");
        Ok::<_, Error>(())
    });
    let lost = async {
        let used = used.await.expect("it is used");
        let stopped = backend(&database).await.expect("answers");
        kill(Pid::from_raw(stopped), Signal::SIGSTOP).expect("stands still");
        // It is being pinged when the other one is given back.
        let mut asked = Box::pin(backend(&database));
        assert!(poll_immediate(&mut asked).await.is_none());
        end.send(()).expect("it waits for this");
        let fresh = asked.await;
        kill(Pid::from_raw(stopped), Signal::SIGCONT).expect("goes on");
        (used, stopped, fresh.expect("answers"))
    };
    let (committed, (used, stopped, fresh)) = join(in_use, lost).await;
    committed.expect("commits");
    assert!(fresh != used && fresh != stopped);
    let both = database.transaction(async |tx| {
        let (one,): (i32,) = tx.fetch_one(&BACKEND).await?;
        Ok::<_, Error>([one, backend(&database).await?])
    });
    let mut both = both.await.expect("commits");
    both.sort_unstable();
    let mut kept = [used, fresh];
    kept.sort_unstable();
    assert_eq!(both, kept);
}

#[tokio::test]
async fn it_drops_a_connection_that_was_closed_in_use_and_goes_on() {
    let servers = Servers::start().await;
    let owner = Database::new(servers.owner());
    let database = Database::new(servers.direct());
    let closed = backend(&database).await.expect("answers");
    owner.execute(TERMINATE.bind(closed)).await.expect("terminates");
    // Trusted, because it was used a moment ago. The statement may have been carried out: it is not sent again.
    assert!(backend(&database).await.expect_err("closed").is_unavailable());
    assert_ne!(backend(&database).await.expect("answers"), closed);
}

#[tokio::test]
async fn it_keeps_a_connection_whose_statement_was_refused() {
    static FAULTY: Statement = Statement::new("test.faulty", "select * from no_such_table where $1 = 1");
    let servers = Servers::start().await;
    let database = Database::new(servers.direct());
    let before = backend(&database).await.expect("answers");
    let error = database.execute(FAULTY.bind(1)).await.expect_err("no such table");
    assert_eq!(error.to_string(), "test.faulty: relation \"no_such_table\" does not exist (SQLSTATE 42P01)");
    assert_eq!(backend(&database).await.expect("answers"), before);
}

#[tokio::test]
async fn it_lets_the_server_end_a_slow_statement_and_keeps_the_connection() {
    static LIMIT: Statement =
        Statement::new("test.limit", "alter role millrace_app set statement_timeout = '3s'");
    let servers = Servers::start().await;
    Database::new(servers.owner()).execute(&LIMIT).await.expect("alters");
    let database = Database::new(servers.direct());
    let before = backend(&database).await.expect("answers");
    let error = database.execute(SLEEP.bind(60)).await.expect_err("too slow");
    assert!(error.is_unavailable() && error.to_string().contains("57014"), "{error}");
    assert_eq!(backend(&database).await.expect("answers"), before);
}

#[tokio::test]
async fn it_gives_up_on_a_server_that_does_not_answer_without_blocking_the_pool() {
    let servers = Servers::start().await;
    let impatient = servers.owner().statement_limit(Duration::from_secs(3));
    let database = Database::new(impatient);
    let before = backend(&database).await.expect("answers");
    let given_up = async {
        let error = database.execute(SLEEP.bind(600)).await.expect_err("no answer");
        assert!(error.is_unavailable(), "{error:?}");
        backend(&database).await.expect("answers")
    };
    let after = timeout(PATIENCE, given_up).await.expect("nobody waits for the abandoned statement");
    assert_ne!(after, before);
}

#[tokio::test]
async fn it_does_not_wait_for_a_connection_for_ever() {
    let servers = Servers::start().await;
    let database = Database::new(servers.direct().acquire_limit(Duration::from_secs(3)));
    let holding = database.transaction(async |_| {
        let error = backend(&database).await.expect_err("the only connection is in use");
        assert!(error.is_unavailable(), "{error:?}");
        Ok::<_, Error>(())
    });
    holding.await.expect("commits");
    backend(&database).await.expect("free again");
}

#[tokio::test]
async fn it_never_opens_more_connections_than_allowed() {
    let servers = Servers::start().await;
    let owner = Database::new(servers.owner());
    let database = Database::new(servers.direct().connections(3));
    let mut requests = JoinSet::new();
    for _ in 0..60 {
        let database = database.clone();
        requests.spawn(async move { database.execute(SLEEP.bind(0)).await });
    }
    for answer in requests.join_all().await {
        answer.expect("answers");
    }
    assert_eq!(owner.fetch_one::<(i64,)>(&CONNECTIONS).await.expect("answers"), (3,));
}
