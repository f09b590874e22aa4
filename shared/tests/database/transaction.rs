//! All or nothing, and never left open.

use std::time::Duration;

use shared::database::{Database, Error, Result, Statement, Transaction};

use crate::servers::{Servers, until};

static PREPARE: Statement = Statement::new("test.prepare", "create table note (id bigint primary key)");
static ALLOW: Statement = Statement::new("test.allow", "grant select, insert on note to millrace_app");
/// So that it is ours to end a transaction: the server would do it after ten seconds, and end a statement after five.
static NO_LIMIT: Statement =
    Statement::new("test.no_limit", "alter role millrace_app set idle_in_transaction_session_timeout = 0");
static NO_LIMIT_EITHER: Statement =
    Statement::new("test.no_limit_either", "alter role millrace_app set statement_timeout = 0");
static INSERT: Statement = Statement::new("test.insert", "insert into note values ($1)");
static COUNT: Statement = Statement::new("test.count", "select count(*) from note");
static OPEN: Statement = Statement::new(
    "test.open",
    "select count(*) from pg_stat_activity where usename = 'millrace_app' and xact_start is not null",
);

struct Fixture {
    database: Database,
    owner: Database,
    _servers: Servers,
}

async fn fixture() -> Fixture {
    let servers = Servers::start().await;
    let owner = Database::new(servers.owner());
    owner.execute(&PREPARE).await.expect("creates");
    owner.execute(&ALLOW).await.expect("grants");
    owner.execute(&NO_LIMIT).await.expect("alters");
    owner.execute(&NO_LIMIT_EITHER).await.expect("alters");
    Fixture { database: Database::new(servers.pooled()), owner, _servers: servers }
}

impl Fixture {
    async fn notes(&self) -> i64 {
        self.owner.fetch_one::<(i64,)>(&COUNT).await.expect("counts").0
    }

    async fn open(&self) -> i64 {
        self.owner.fetch_one::<(i64,)>(&OPEN).await.expect("counts").0
    }

    /// The server learns of a closed connection a moment later.
    async fn nothing_is_left(&self) {
        until("no transaction is open", async || self.open().await == 0).await;
        assert_eq!(self.notes().await, 0);
        self.database.execute(INSERT.bind(99_i64)).await.expect("the pool still works");
    }
}

async fn insert(tx: &mut Transaction, id: i64) -> Result<u64> {
    tx.execute(INSERT.bind(id)).await
}

#[tokio::test]
async fn it_saves_all_of_it() {
    let fixture = fixture().await;
    let database = fixture.database.clone();
    // Spawned: the future of a transaction can be sent to another thread, as a handler's must.
    let counted = tokio::spawn(async move {
        database
            .transaction(async |tx| {
                insert(tx, 1).await?;
                insert(tx, 2).await?;
                tx.fetch_one::<(i64,)>(&COUNT).await
            })
            .await
    });
    assert_eq!(counted.await.expect("no panic").expect("commits"), (2,));
    assert_eq!((fixture.notes().await, fixture.open().await), (2, 0));
}

#[tokio::test]
async fn it_rolls_back_on_an_error_of_the_work() {
    #[derive(Debug)]
    enum Refused {
        OutOfStock,
        Database,
    }
    impl From<Error> for Refused {
        fn from(_: Error) -> Self {
            Self::Database
        }
    }
    let fixture = fixture().await;
    let outcome = fixture
        .database
        .transaction(async |tx| {
            insert(tx, 1).await?;
            Err::<(), _>(Refused::OutOfStock)
        })
        .await;
    assert!(matches!(outcome, Err(Refused::OutOfStock)), "{outcome:?} is not {:?}", Refused::Database);
    // Awaited: no waiting needed here.
    assert_eq!(fixture.open().await, 0);
    fixture.nothing_is_left().await;
}

#[tokio::test]
async fn it_rolls_back_on_a_refused_statement_and_names_the_constraint() {
    let fixture = fixture().await;
    let outcome = fixture
        .database
        .transaction(async |tx| {
            insert(tx, 1).await?;
            insert(tx, 1).await
        })
        .await;
    assert_eq!(outcome.expect_err("duplicate").constraint(), Some("note_pkey"));
    assert_eq!(fixture.open().await, 0);
    fixture.nothing_is_left().await;
}

#[tokio::test]
async fn it_does_not_claim_to_have_saved_what_postgres_rolled_back() {
    let fixture = fixture().await;
    let outcome = fixture
        .database
        .transaction(async |tx| {
            insert(tx, 1).await?;
            // Swallowed: from here on Postgres answers `commit` with a rollback and no error.
            insert(tx, 1).await.ok();
            Ok::<_, Error>(())
        })
        .await;
    assert!(outcome.expect_err("nothing was saved").to_string().contains("nothing was saved"));
    fixture.nothing_is_left().await;
}

#[tokio::test]
async fn it_leaves_nothing_open_after_a_panic() {
    let fixture = fixture().await;
    let database = fixture.database.clone();
    let work = tokio::spawn(async move {
        database
            .transaction(async |tx| {
                insert(tx, 1).await?;
                assert_eq!(1, 2, "on purpose");
                Ok::<_, Error>(())
            })
            .await
    });
    assert!(work.await.expect_err("panics").is_panic());
    fixture.nothing_is_left().await;
}

#[tokio::test]
async fn it_leaves_nothing_open_when_the_request_is_cancelled() {
    let fixture = fixture().await;
    let (inserted, was_inserted) = tokio::sync::oneshot::channel();
    let work = fixture.database.transaction(async |tx| {
        insert(tx, 1).await?;
        inserted.send(()).expect("awaited");
        tokio::time::sleep(Duration::from_hours(1)).await;
        Ok::<_, Error>(())
    });
    tokio::select! {
        _ = work => panic!("it sleeps for an hour"),
        _ = was_inserted => {}
    }
    fixture.nothing_is_left().await;
}

#[tokio::test]
async fn it_leaves_nothing_open_when_cancelled_in_the_middle_of_a_statement() {
    static SLEEP: Statement = Statement::new("test.sleep", "select pg_sleep(15)::text");
    let fixture = fixture().await;
    let work = fixture.database.transaction(async |tx| {
        insert(tx, 1).await?;
        tx.execute(&SLEEP).await
    });
    tokio::select! {
        _ = work => panic!("it sleeps for a quarter of a minute"),
        () = until("the statement runs", async || fixture.open().await == 1) => {}
    }
    // The pool of one is free at once, although the server still sleeps.
    fixture.database.fetch_one::<(i64,)>(&COUNT).await.expect("answers");
    fixture.nothing_is_left().await;
}
