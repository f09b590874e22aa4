//! Whatever is bound comes back as it was, through PgBouncer and a real server.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use shared::database::{Argument, Bytea, Database, Error, Json, Statement, Timestamp};
use time::{Duration, OffsetDateTime, UtcOffset};
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::servers::Servers;

/// The look-alikes stand in front of the placeholder: an encoder that scanned its own output would trip over them.
static ECHO: Statement = Statement::new("test.echo", "select /* $1 */ '$1' as \"$1\", $1 -- $1");
static ECHO_JSON: Statement = Statement::new("test.echo_json", "select to_jsonb($1)");
static TYPE_OF: Statement = Statement::new("test.type_of", "select pg_typeof($1)::text");
static SUBSCRIPT: Statement = Statement::new("test.subscript", "select $1[2], -$2, $3 = any($1)");

/// Runs `check` on arbitrary inputs, against one pair of servers.
fn for_any<S: Strategy>(cases: u32, strategy: &S, check: &impl AsyncFn(&Database, S::Value)) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let servers = Servers::start().await;
        let database = Database::new(servers.pooled());
        let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
        let run = || {
            runner.run(strategy, |value| {
                Handle::current().block_on(check(&database, value));
                Ok(())
            })
        };
        tokio::task::block_in_place(run).unwrap_or_else(|failure| panic!("{failure}"));
    });
}

async fn echo<T>(database: &Database, argument: impl Into<Argument>) -> T
where
    T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
{
    let (decoy, value): (String, T) = database.fetch_one(ECHO.bind(argument)).await.expect("answers");
    assert_eq!(decoy, "$1");
    value
}

/// Characters that mean something to SQL, to array literals or to this encoder, among all others. NUL is refused.
fn hostile_text(longest: usize) -> impl Strategy<Value = String> {
    let hostile = prop::sample::select(&[
        '\'', '"', '\\', '$', '1', '{', '}', ',', '\n', '-', '/', '*', ';', ' ', '😀',
    ]);
    let any = any::<char>().prop_filter("NUL", |character| *character != '\0');
    vec(prop_oneof![2 => hostile, 1 => any], 0..longest).prop_map(String::from_iter)
}

#[test]
fn it_returns_any_text_as_it_was() {
    for_any(300, &hostile_text(60), &async |database, text| {
        assert_eq!(echo::<String>(database, &text).await, text);
        assert_eq!(echo::<Option<String>>(database, Some(text.clone())).await, Some(text));
    });
}

#[test]
fn it_returns_text_of_any_length_up_to_the_limit() {
    for_any(60, &(0..12_400_usize, any::<char>()), &async |database, (length, character)| {
        let character = if character == '\0' { 'x' } else { character };
        let text: String = std::iter::repeat_n(character, length / character.len_utf8()).collect();
        match database.fetch_one::<(String, String)>(ECHO.bind(&text)).await {
            Ok((_, echoed)) => assert_eq!(echoed, text),
            Err(error) => {
                assert!(matches!(error, Error::TooLarge { .. }) && length > 12_000, "{length}: {error}");
            }
        }
    });
}

#[test]
fn it_returns_any_array_of_text_with_nulls() {
    let element = prop_oneof![
        3 => hostile_text(8).prop_map(Some),
        1 => Just(None),
        1 => Just(Some("NULL".to_owned())),
    ];
    for_any(300, &vec(element, 0..9), &async |database, items| {
        let (echoed,): (Value,) = database.fetch_one(ECHO_JSON.bind(&items)).await.expect("answers");
        assert_eq!(echoed, json!(items));
    });
}

#[test]
fn it_returns_any_number_flag_and_id() {
    let edge = |values: &'static [i64]| prop_oneof![any::<i64>(), prop::sample::select(values)];
    let values =
        (edge(&[i64::MIN, i64::MAX, 0, -1]), any::<i32>(), any::<i16>(), any::<bool>(), any::<u128>());
    for_any(200, &values, &async |database, (big, integer, small, flag, id)| {
        let id = Uuid::from_u128(id);
        assert_eq!(echo::<i64>(database, big).await, big);
        assert_eq!(echo::<i32>(database, integer).await, integer);
        assert_eq!(echo::<i16>(database, small).await, small);
        assert_eq!(echo::<bool>(database, flag).await, flag);
        assert_eq!(echo::<Uuid>(database, id).await, id);
        assert_eq!(echo::<Vec<Option<i64>>>(database, [Some(big), None]).await, [Some(big), None]);
        assert_eq!(
            echo::<Vec<i32>>(database, [integer, i32::MIN, i32::MAX]).await,
            [integer, i32::MIN, i32::MAX]
        );
        assert_eq!(
            echo::<Vec<i16>>(database, [small, i16::MIN, i16::MAX]).await,
            [small, i16::MIN, i16::MAX]
        );
        assert_eq!(echo::<Vec<bool>>(database, [flag, !flag]).await, [flag, !flag]);
        assert_eq!(
            echo::<Vec<Uuid>>(database, &[id, Uuid::nil(), Uuid::max()][..]).await,
            [id, Uuid::nil(), Uuid::max()]
        );
    });
}

#[test]
fn it_returns_any_time_to_the_microsecond() {
    // Seconds of the years 1 to 9999.
    let seconds = prop_oneof![
        -62_135_596_800_i64..=253_402_300_799,
        Just(-62_135_596_800),
        Just(253_402_300_799),
        Just(0),
    ];
    for_any(300, &(seconds, prop_oneof![Just(0), 0..1_000_000_i64], -86_000..86_000_i32), &async |database,
                                                                                                  (
        seconds,
        micros,
        offset,
    )| {
        let utc =
            OffsetDateTime::from_unix_timestamp(seconds).expect("in range") + Duration::microseconds(micros);
        // The offset may carry the local year out of range, which `time` cannot hold.
        let offset = UtcOffset::from_whole_seconds(offset).expect("an offset");
        let time = utc.checked_to_offset(offset).unwrap_or(utc);
        assert_eq!(echo::<Timestamp>(database, time).await.0, utc);
        // sqlx reads the elements of an array itself, and cannot read a whole second.
        if micros > 0 {
            assert_eq!(echo::<Vec<OffsetDateTime>>(database, [time, time]).await, [utc, utc]);
        }
    });
}

#[test]
fn it_returns_any_json_and_any_bytes() {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        hostile_text(12).prop_map(Value::from),
    ];
    let json = leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(hostile_text(6), inner, 0..4)
                .prop_map(|map: BTreeMap<String, Value>| map.into_iter().collect()),
        ]
    });
    for_any(200, &(json, vec(any::<u8>(), 0..80)), &async |database, (json, bytes)| {
        assert_eq!(echo::<Value>(database, json.clone()).await, json);
        assert_eq!(echo::<Value>(database, Json(&json)).await, json);
        assert_eq!(
            echo::<Vec<Value>>(database, [json.clone(), json!("{\"a\"}")]).await,
            [json, json!("{\"a\"}")]
        );
        assert_eq!(echo::<Vec<u8>>(database, Bytea(&bytes)).await, bytes);
        assert_eq!(echo::<Vec<Vec<u8>>>(database, [Bytea(&bytes), Bytea(b"")]).await, [bytes, vec![]]);
    });
}

#[tokio::test]
async fn it_gives_each_argument_its_type_and_nulls_too() {
    let servers = Servers::start().await;
    let database = Database::new(servers.pooled());
    let now = OffsetDateTime::now_utc();
    let arguments: [(Argument, &str); 13] = [
        (1_i16.into(), "smallint"),
        (1_i32.into(), "integer"),
        (1_i64.into(), "bigint"),
        (None::<bool>.into(), "boolean"),
        (Uuid::nil().into(), "uuid"),
        (now.into(), "timestamp with time zone"),
        ("".into(), "text"),
        (None::<String>.into(), "text"),
        (Bytea(b"").into(), "bytea"),
        (json!(null).into(), "jsonb"),
        (Vec::<Uuid>::new().into(), "uuid[]"),
        (["a"].into(), "text[]"),
        ([None::<OffsetDateTime>].into(), "timestamp with time zone[]"),
    ];
    for (argument, expected) in arguments {
        let (found,): (String,) = database.fetch_one(TYPE_OF.bind(argument)).await.expect("answers");
        assert_eq!(found, expected);
    }
    let query = SUBSCRIPT.bind([10_i64, 20]).bind(-5_i64).bind(20_i64);
    assert_eq!(database.fetch_one::<(i64, i64, bool)>(query).await.expect("answers"), (20, 5, true));
}

#[tokio::test]
async fn it_says_which_argument_postgres_cannot_hold() {
    let servers = Servers::start().await;
    let database = Database::new(servers.pooled());
    let year_zero = OffsetDateTime::from_unix_timestamp(-62_135_596_801).expect("year 0");
    let refusal = async |argument: Argument| {
        let error = database.fetch_one::<(String, String)>(ECHO.bind(argument)).await.expect_err("refused");
        assert!(matches!(error, Error::BadArgument { at: "test.echo", .. }), "{error:?}");
        error.to_string()
    };
    for argument in [Argument::from("a\0b"), ["a\0b"].into(), year_zero.into()] {
        let refusal = refusal(argument).await;
        assert!(refusal.starts_with("test.echo: $1: "), "before anything was sent: {refusal}");
    }
    // What JSON escapes, only Postgres notices.
    refusal(json!("a\0b").into()).await;
}

#[tokio::test]
async fn its_literals_find_their_way_into_an_index() {
    static NO_SCANS: Statement =
        Statement::new("test.no_scans", "alter role millrace_app set enable_seqscan = off");
    static EMAIL: Statement =
        Statement::new("test.email", "explain select from users where lower(email) = lower($1)");
    static INTENT: Statement =
        Statement::new("test.intent", "explain select from payments where intent_id = $1");
    static INTENTS: Statement =
        Statement::new("test.intents", "explain select from payments where intent_id = any($1)");
    static KEY: Statement =
        Statement::new("test.key", "explain select from orders where user_id = $1 and idempotency_key = $2");

    let servers = Servers::start().await;
    Database::new(servers.owner()).execute(&NO_SCANS).await.expect("alters");
    let database = Database::new(servers.direct());
    for (query, condition) in [
        (EMAIL.bind("a"), "lower(email) = "),
        (INTENT.bind("a"), "intent_id = "),
        (INTENTS.bind(["a", "b"]), "intent_id = ANY"),
        (KEY.bind(Uuid::nil()).bind("a"), "idempotency_key = "),
    ] {
        let plan: Vec<(String,)> = database.fetch_all(query).await.expect("plans");
        let by_index = plan.iter().any(|(line,)| line.contains("Index Cond") && line.contains(condition));
        assert!(by_index, "{condition}: {plan:?}");
    }
}
