//! The reason for this module: 40 clients over 5 server connections, each must get its own answers.

use std::ops::Add;

use shared::database::{Database, Statement};
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use tokio::task::JoinSet;

use crate::servers::{SERVER_CONNECTIONS, Servers};

const CLIENTS: i64 = 40;
const STATEMENTS: i64 = 200;

/// Ours and theirs take the client's number into the answer, so an answer to another client shows.
static ECHO: Statement = Statement::new("test.echo", "select $1, $2");

#[derive(Debug, Default, PartialEq)]
struct Tally {
    right: i64,
    wrong: i64,
    errors: i64,
}

impl Tally {
    fn of<E>(expected: (i64, i64), answer: &Result<(i64, i64), E>) -> Self {
        match answer {
            Ok(answer) if *answer == expected => Self { right: 1, ..Self::default() },
            Ok(_) => Self { wrong: 1, ..Self::default() },
            Err(_) => Self { errors: 1, ..Self::default() },
        }
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            right: self.right + other.right,
            wrong: self.wrong + other.wrong,
            errors: self.errors + other.errors,
        }
    }
}

async fn all(clients: JoinSet<Tally>) -> Tally {
    clients.join_all().await.into_iter().fold(Tally::default(), Add::add)
}

async fn ours(servers: &Servers) -> Tally {
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let database = Database::new(servers.pooled());
        clients.spawn(async move {
            let mut tally = Tally::default();
            for number in 0..STATEMENTS {
                let answer = database.fetch_one(ECHO.bind(client).bind(number)).await;
                tally = tally + Tally::of((client, number), &answer);
            }
            tally
        });
    }
    all(clients).await
}

#[expect(clippy::disallowed_methods, reason = "shows why they are disallowed")]
async fn plain_sqlx(servers: &Servers) -> Tally {
    let options: PgConnectOptions = servers.pooled_url().parse().expect("valid");
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let options = options.clone().extra_float_digits(None).disable_statement_logging();
        clients.spawn(async move {
            let mut tally = Tally::default();
            let mut connection = options.connect().await.expect("connects");
            let text = format!("select {client}::bigint, $1::bigint");
            for number in 0..STATEMENTS {
                let query = sqlx::query_as(sqlx::AssertSqlSafe(text.as_str())).bind(number);
                let answer = query.fetch_one(&mut connection).await;
                tally = tally + Tally::of((client, number), &answer);
            }
            tally
        });
    }
    all(clients).await
}

#[tokio::test]
async fn every_client_gets_its_own_answers_where_plain_sqlx_mixes_them_up() {
    let servers = Servers::start().await;

    let plain = plain_sqlx(&servers).await;
    let ours = ours(&servers).await;
    println!(
        "{CLIENTS} clients, {SERVER_CONNECTIONS} server connections: plain sqlx {plain:?}, ours {ours:?}"
    );

    assert_eq!(ours, Tally { right: CLIENTS * STATEMENTS, ..Tally::default() });
    assert!(plain.wrong > 0, "plain sqlx was right: is the pooler one that understands prepared statements?");
}
