//! Whatever is bound, the literal ends where it should, and holds what was bound.
//!
//! The encoder's own file is compiled here, and with it goes the instrumentation. What it writes is read back by
//! [`postgres`], a reader of Postgres' literals that shares no line with it.

#![no_main]

#[path = "../../../shared/src/database/argument.rs"]
#[expect(dead_code, reason = "the whole file, of which the target needs a part")]
mod argument;
mod postgres;

use argument::{Argument, Bytea};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use time::{OffsetDateTime, UtcOffset};
use uuid::Uuid;

#[derive(Arbitrary, Debug)]
enum Input {
    Text(String),
    NoText,
    Texts(Vec<Option<String>>),
    Bytes(Vec<u8>),
    ManyBytes(Vec<Vec<u8>>),
    Json(Vec<(String, Option<String>)>),
    Small(Vec<i16>),
    Integer(Option<i32>),
    Big(Vec<Option<i64>>),
    Flags(Vec<bool>),
    Id(u128),
    Time { nanoseconds: i128, offset: i32 },
}

fuzz_target!(|input: Input| check(input));

fn check(input: Input) {
    match input {
        Input::Text(text) => one(&text, "text", Some(text.clone())),
        Input::NoText => one(None::<String>, "text", None),
        Input::Texts(texts) => many(&texts, "text[]", texts.clone()),
        Input::Bytes(bytes) => one(Bytea(&bytes), "bytea", Some(hex(&bytes))),
        Input::ManyBytes(all) => {
            let arguments: Vec<_> = all.iter().map(|bytes| Bytea(bytes)).collect();
            many(arguments, "bytea[]", all.iter().map(|bytes| Some(hex(bytes))).collect());
        }
        Input::Json(members) => {
            let json: serde_json::Value =
                members.into_iter().map(|(name, value)| (name, serde_json::json!(value))).collect();
            one(json.clone(), "jsonb", Some(json.to_string()));
        }
        Input::Small(numbers) => many(&numbers, "smallint[]", texts_of(&numbers)),
        Input::Integer(number) => one(number, "integer", number.map(|number| number.to_string())),
        Input::Big(numbers) => {
            let expected = numbers.iter().map(|number| number.map(|number| number.to_string())).collect();
            many(&numbers, "bigint[]", expected);
        }
        Input::Flags(flags) => many(&flags, "boolean[]", texts_of(&flags)),
        Input::Id(id) => one(Uuid::from_u128(id), "uuid", Some(Uuid::from_u128(id).to_string())),
        Input::Time { nanoseconds, offset } => time(nanoseconds, offset),
    }
}

/// Out of range is refused; all else comes back to the microsecond.
fn time(nanoseconds: i128, offset: i32) {
    let Ok(utc) = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds) else { return };
    let local = UtcOffset::from_whole_seconds(offset).ok().and_then(|offset| utc.checked_to_offset(offset));
    let Argument(encoded) = Argument::from(local.unwrap_or(utc));
    assert_eq!(encoded.is_ok(), (1..=9999).contains(&utc.year()), "{utc}");
    let Ok(encoded) = encoded else { return };
    let expected = format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
        utc.year(),
        u8::from(utc.month()),
        utc.day(),
        utc.hour(),
        utc.minute(),
        utc.second(),
        utc.microsecond()
    );
    assert_eq!(postgres::read(&encoded), ("timestamptz".to_owned(), Some(expected)));
}

fn one(argument: impl Into<Argument>, sql: &str, expected: Option<String>) {
    let Argument(encoded) = argument.into();
    if expected.as_ref().is_some_and(|text| text.contains('\0')) {
        assert!(encoded.is_err(), "NUL was let through");
        return;
    }
    assert_eq!(postgres::read(&encoded.expect("encodes")), (sql.to_owned(), expected));
}

fn many(argument: impl Into<Argument>, sql: &str, expected: Vec<Option<String>>) {
    let Argument(encoded) = argument.into();
    if expected.iter().flatten().any(|text| text.contains('\0')) {
        assert!(encoded.is_err(), "NUL was let through");
        return;
    }
    let (found, text) = postgres::read(&encoded.expect("encodes"));
    assert_eq!(found, sql);
    assert_eq!(postgres::read_array(&text.expect("an array is never null")), expected);
}

fn texts_of(items: &[impl ToString]) -> Vec<Option<String>> {
    items.iter().map(|item| Some(item.to_string())).collect()
}

fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\\x{digits}")
}
