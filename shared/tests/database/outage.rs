//! The database goes away and comes back: 503 in time, and no hand has to be lifted.

use std::time::{Duration, Instant};

use shared::database::{Database, Error, Statement};

use crate::servers::{Servers, until};

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
        answer(&database).await.expect("answers");

        servers.pause_postgres();
        // The first finds its connection silent, those after it cannot open another.
        for _ in 0..3 {
            let started = Instant::now();
            let error = answer(&database).await.expect_err("paused");
            assert!(error.is_unavailable(), "{error:?}");
            assert!(started.elapsed() < Duration::from_secs(10), "its limits add up to less than a second");
        }

        servers.resume_postgres();
        until("it recovers", async || answer(&database).await.is_ok()).await;
    }
}
