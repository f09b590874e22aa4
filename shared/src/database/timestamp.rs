//! Times, as the simple query protocol sends them.

use std::borrow::Cow;

use sqlx::{
    Decode, Postgres, Type,
    error::BoxDynError,
    postgres::{PgTypeInfo, PgValueRef},
};
use time::{OffsetDateTime, PrimitiveDateTime, macros::format_description};

/// A column of type `timestamptz`.
///
/// sqlx 0.9 cannot read such a text if its second is a whole one: it adds the missing fraction behind the offset
/// (`2026-11-26 20:42:00+00.0`). That is one time of a million, and the row that has it could never be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp(pub OffsetDateTime);

impl Type<Postgres> for Timestamp {
    fn type_info() -> PgTypeInfo {
        <OffsetDateTime as Type<Postgres>>::type_info()
    }
}

impl Decode<'_, Postgres> for Timestamp {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        parse(value.as_str()?)
    }
}

impl From<Timestamp> for OffsetDateTime {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.0
    }
}

/// In UTC, which every connection of sqlx's asks for.
fn parse(text: &str) -> Result<Timestamp, BoxDynError> {
    let time = text.strip_suffix("+00").ok_or("a time that is not in UTC")?;
    let time = if time.contains('.') { Cow::Borrowed(time) } else { Cow::Owned(format!("{time}.0")) };
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond]");
    Ok(Timestamp(PrimitiveDateTime::parse(&time, format)?.assume_utc()))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_whole_second_is_a_time_like_any_other() {
        for (text, time) in [
            ("2026-11-26 20:42:00+00", datetime!(2026-11-26 20:42:00 UTC)),
            ("2026-11-26 20:42:00.5+00", datetime!(2026-11-26 20:42:00.5 UTC)),
            ("2026-11-26 20:42:00.123456+00", datetime!(2026-11-26 20:42:00.123456 UTC)),
        ] {
            assert_eq!(parse(text).expect("a time"), Timestamp(time));
        }
        assert!(parse("2026-11-26 20:42:00+01").is_err() && parse("infinity").is_err());
    }
}
