//! The database goes away and comes back: 503 in time, and no hand has to be lifted.

use std::time::Duration;

use shared::database::{Database, Error, Statement};

use tokio::time::timeout;

use crate::servers::{PATIENCE, Servers, until};

static ANSWER: Statement = Statement::new("test.answer", "select 42");

async fn answer(database: &Database) -> Result<i32, Error> {
    database.fetch_one::<(i32,)>(&ANSWER).await.map(|(answer,)| answer)
}

#[tokio::test]
async fn it_answers_in_time_while_postgres_is_paused_and_recovers_by_itself() {
    let servers = Servers::start().await;
    let limits = |settings: shared::database::Settings| {
        settings.acquire_limit(Duration::from_millis(300)).statement_limit(Duration::from_millis(600))
    };
    for settings in [servers.pooled(), servers.direct()] {
        let database = Database::new(limits(settings));
        until("it answers", async || answer(&database).await.is_ok()).await;

        servers.pause_postgres();
        // The first finds its connection silent, those after it cannot open another.
        for _ in 0..3 {
            let answered = timeout(PATIENCE, answer(&database)).await.expect("it has limits of its own");
            let error = answered.expect_err("paused");
            assert!(error.is_unavailable(), "{error:?}");
        }

        servers.resume_postgres();
        until("it recovers", async || answer(&database).await.is_ok()).await;
    }
}

#[tokio::test]
async fn it_leaves_no_transaction_open_when_postgres_is_paused_inside_one() {
    static OPEN: Statement = Statement::new(
        "test.open",
        "select count(*) from pg_stat_activity where usename = 'millrace_app' and xact_start is not null",
    );
    // So that it is ours to end it: the server would do it after ten seconds.
    static NO_LIMIT: Statement = Statement::new(
        "test.no_limit",
        "alter role millrace_app set idle_in_transaction_session_timeout = 0",
    );
    let servers = Servers::start().await;
    let owner = Database::new(servers.owner());
    owner.execute(&NO_LIMIT).await.expect("alters");
    for settings in [servers.pooled(), servers.direct()] {
        let database = Database::new(settings.statement_limit(Duration::from_millis(300)));
        let outcome = database
            .transaction(async |tx| {
                tx.fetch_one::<(i32,)>(&ANSWER).await?;
                servers.pause_postgres();
                tx.fetch_one::<(i32,)>(&ANSWER).await
            })
            .await;
        assert!(outcome.expect_err("paused").is_unavailable());
        servers.resume_postgres();
        until("no transaction is open", async || {
            owner.fetch_one::<(i64,)>(&OPEN).await.is_ok_and(|(open,)| open == 0)
        })
        .await;
        until("it recovers", async || answer(&database).await.is_ok()).await;
    }
}
