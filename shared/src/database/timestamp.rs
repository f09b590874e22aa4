//! Times, as the simple query protocol sends them.

use std::borrow::Cow;

use sqlx::error::BoxDynError;
use sqlx::postgres::{PgTypeInfo, PgValueRef};
use sqlx::{Decode, Postgres, Type};
use time::macros::{datetime, format_description};
use time::{OffsetDateTime, PrimitiveDateTime};

/// A column of type `timestamptz`.
///
/// sqlx 0.9 cannot read such a text if its second is a whole one: it adds the missing fraction behind the offset
/// (`2026-11-26 20:42:00+00.0`). That is one time of a million, and the row that has it could never be read.
///
/// Postgres knows times that no calendar of ours has: `infinity`, and years before 1 and after 9999. We write none; one
/// that somebody else wrote is read as the nearest time that there is, because a list must not fail for one row of it.
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

const FIRST: OffsetDateTime = datetime!(0001-01-01 0:00 UTC);
const LAST: OffsetDateTime = datetime!(9999-12-31 23:59:59.999999 UTC);

/// In UTC, which every connection of sqlx's asks for.
fn parse(text: &str) -> Result<Timestamp, BoxDynError> {
    if text == "-infinity" || text.ends_with(" BC") {
        return Ok(Timestamp(FIRST));
    }
    let year = text.find('-').unwrap_or(text.len());
    if text == "infinity" || year > 4 && text[..year].bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(Timestamp(LAST));
    }
    let time = text.strip_suffix("+00").ok_or("a time that is not in UTC")?;
    let time = if time.contains('.') { Cow::Borrowed(time) } else { Cow::Owned(format!("{time}.0")) };
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond]");
    Ok(Timestamp(PrimitiveDateTime::parse(&time, format)?.assume_utc()))
}

#[cfg(test)]
mod tests {
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
        assert!(parse("2026-11-26 20:42:00+01").is_err());
    }

    #[test]
    fn a_time_that_no_calendar_has_is_the_nearest_one_that_it_has() {
        for text in ["-infinity", "0044-03-15 00:00:00+00 BC", "4713-11-24 00:00:00.5+00 BC"] {
            assert_eq!(parse(text).expect("a time"), Timestamp(FIRST), "{text}");
        }
        for text in ["infinity", "10000-01-01 00:00:00+00", "294276-12-31 23:59:59.999999+00"] {
            assert_eq!(parse(text).expect("a time"), Timestamp(LAST), "{text}");
        }
        assert_eq!(parse("9999-12-31 23:59:59.999999+00").expect("a time"), Timestamp(LAST));
        for text in ["", "tomorrow", "infinity-01", "26.11.2026 20:42:00 UTC"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
