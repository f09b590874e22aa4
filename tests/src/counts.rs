//! Counting what a request costs: round trips to Redis, statements of Postgres, calls to the provider.

use std::collections::BTreeMap;

use redis::Connection;
use shared::database::Statement;

use crate::redis_server::connection_to_redis;
use crate::{database, requests_to_provider};

static STATEMENTS: Statement = Statement::new(
    "tests.statements",
    // Every statement has its name in a comment behind its first word.
    "with named as (
         select substring(query from '^[a-z]+ /[*] ([a-z0-9._]+) [*]/') as name, calls from pg_stat_statements
     )
     select name, sum(calls)::bigint as calls
     from named
     where
         not starts_with(name, 'tests.')
         -- The provider's webhook comes when it likes.
         and name <> 'orders.due_by_intent'
     group by name",
);

/// Those that travelled as a text although `migrate` has made a function of them: two round trips, once.
static SENT_WHOLE: Statement = Statement::new(
    "tests.sent_whole",
    "with named as (
         select substring(query from '^[a-z]+ /[*] ([a-z0-9._]+) [*]/') as name, query from pg_stat_statements
     )
     select coalesce(array_agg(distinct named.name), '{}')
     from named
     join pg_proc on starts_with(proname, replace(named.name, '.', '_') || '_')
     where pronamespace = 'statements'::regnamespace and length(proname) = length(named.name) + 17
        and named.query not like '%* from statements.%'",
);

/// What was done between two moments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Times that Redis read from a connection: pipelined commands are read at once.
    pub redis_round_trips: i64,
    /// Calls of each statement, by its name.
    pub statements: BTreeMap<String, i64>,
    /// Requests to the payment provider.
    pub provider_calls: usize,
}

impl Cost {
    /// All statements, whatever their names.
    pub fn statement_count(&self) -> i64 {
        self.statements.values().sum()
    }
}

async fn statements() -> BTreeMap<String, i64> {
    let (whole,): (Vec<String>,) = database().fetch_one(&SENT_WHOLE).await.expect("pg_stat_statements");
    assert!(whole.is_empty(), "sent whole although they are stored: {whole:?}");
    let rows: Vec<(String, i64)> = database().fetch_all(&STATEMENTS).await.expect("pg_stat_statements");
    rows.into_iter().collect()
}

fn reads_of(connection: &mut Connection) -> i64 {
    let info: String = redis::cmd("INFO").arg("stats").query(connection).expect("INFO");
    let line = info.lines().find_map(|line| line.strip_prefix("total_reads_processed:"));
    line.expect("a line of INFO").trim().parse().expect("a number")
}

/// What the cheapest of `times` runs of `work` cost. A schedule that fires meanwhile can only make a run look dearer.
pub async fn cost_of(times: usize, mut work: impl AsyncFnMut()) -> Cost {
    let mut redis = connection_to_redis();
    let mut cheapest = None::<Cost>;
    for _ in 0..times {
        let (before, calls, reads) = (statements().await, requests_to_provider().await, reads_of(&mut redis));
        work().await;
        // The second INFO itself is read once.
        let redis_round_trips = reads_of(&mut redis) - reads - 1;
        let provider_calls = requests_to_provider().await - calls;
        let mut statements = statements().await;
        for (name, calls) in &before {
            statements.entry(name.clone()).and_modify(|now| *now -= calls);
        }
        statements.retain(|_, calls| *calls > 0);
        let cost = Cost { redis_round_trips, statements, provider_calls };
        let weight = |cost: &Cost| (cost.redis_round_trips, cost.statement_count());
        if cheapest.as_ref().is_none_or(|least| weight(&cost) < weight(least)) {
            cheapest = Some(cost);
        }
    }
    cheapest.expect("at least one run")
}
