//! The encoder: an argument becomes a literal that its own content cannot end.
//!
//! Every value is first written as Postgres' own input text for its type. Where that text is made of digits, letters
//! and a few signs it stands in single quotes as it is. Where it could hold anything (text, jsonb, bytea) it travels as
//! base64, whose alphabet has neither quote nor backslash nor dollar:
//!
//! | Rust | SQL |
//! |---|---|
//! | `-7_i64` | `('-7'::bigint)` |
//! | `"it's"` | `((convert_from(decode('aXQncw==','base64'),'UTF8') collate "default")::text)` |
//! | `vec![Some(id), None]` | `('{0190…,NULL}'::uuid[])` |
//! | `None::<bool>` | `(null::boolean)` |
//!
//! An array is one literal whatever its length, so `pg_stat_statements` counts it as one statement.

use std::borrow::Cow;
use std::fmt::Write;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde::Serialize;
use sqlx::types::Json;
use time::{OffsetDateTime, UtcOffset};
use uuid::Uuid;

/// Why a value cannot become an argument. Never holds the value.
type Refusal = &'static str;

/// One argument of a statement, encoded. Made by [`bind`](super::Statement::bind) from any [`Value`], from slices,
/// arrays and vectors of them, and from whatever implements `Into<Argument>`, which is how a newtype joins in:
///
/// ```
/// # use shared::database::Argument;
/// struct ProductId(uuid::Uuid);
///
/// impl From<ProductId> for Argument {
///     fn from(id: ProductId) -> Self {
///         id.0.into()
///     }
/// }
/// ```
pub struct Argument(pub(super) Result<String, Refusal>);

impl Argument {
    /// The literal as it is sent, or why there is none.
    ///
    /// # Errors
    /// For a value that Postgres cannot hold.
    pub fn literal(&self) -> Result<&str, &'static str> {
        self.0.as_deref().map_err(|refusal| *refusal)
    }
}

/// A Rust type with one SQL type. The set is closed: what is not here has not been attacked by the tests.
///
/// `i16` smallint, `i32` integer, `i64` bigint, `bool` boolean, [`Uuid`], [`OffsetDateTime`] timestamptz (years 1 to
/// 9999, cut to microseconds), `str` and `String` text, [`Bytea`] bytea, [`serde_json::Value`] and [`Json`] jsonb, and
/// `Option` of each.
pub trait Value: sealed::Encode {}

impl<T: sealed::Encode + ?Sized> Value for T {}

/// Bytes for a `bytea` parameter. (Plain `&[u8]` would read as an array of numbers.)
#[derive(Clone, Copy)]
pub struct Bytea<'a>(pub &'a [u8]);

impl<T: Value> From<T> for Argument {
    fn from(value: T) -> Self {
        Self(match value.text() {
            Ok(Some(text)) => literal::<T>(&text, ""),
            Ok(None) => Ok(format!("(null::{})", T::SQL)),
            Err(refusal) => Err(refusal),
        })
    }
}

impl<T: Value> From<&[T]> for Argument {
    fn from(items: &[T]) -> Self {
        Self(array_text(items).and_then(|text| literal::<T>(&text, "[]")))
    }
}

impl<T: Value> From<Vec<T>> for Argument {
    fn from(items: Vec<T>) -> Self {
        items.as_slice().into()
    }
}

impl<T: Value> From<&Vec<T>> for Argument {
    fn from(items: &Vec<T>) -> Self {
        items.as_slice().into()
    }
}

impl<T: Value, const N: usize> From<[T; N]> for Argument {
    fn from(items: [T; N]) -> Self {
        items.as_slice().into()
    }
}

/// In parentheses, because `$1[1]` would otherwise read the subscript as part of the type.
fn literal<T: Value>(text: &str, array: &str) -> Result<String, Refusal> {
    let sql = T::SQL;
    if !T::ANYTHING {
        return Ok(format!("('{text}'::{sql}{array})"));
    }
    if text.contains('\0') {
        return Err("text holds a NUL character, which Postgres cannot store");
    }
    let shielded = BASE64_STANDARD.encode(text);
    // `convert_from` takes the collation "C" from its second argument, a name; no index of the usual collation would be
    // used for such a text, without a word (found by db-insights: 724 blocks for a payment instead of 4).
    let text = format!("convert_from(decode('{shielded}','base64'),'UTF8') collate \"default\"");
    Ok(format!("(({text})::{sql}{array})"))
}

/// Postgres' input text of an array. Only elements that could hold anything need quotes: the others have no comma,
/// brace, quote, space or the word NULL in their alphabet.
fn array_text<T: Value>(items: &[T]) -> Result<String, Refusal> {
    let mut text = String::from("{");
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        match item.text()? {
            None => text.push_str("NULL"),
            Some(item) if T::ANYTHING => {
                text.push('"');
                for character in item.chars() {
                    if matches!(character, '"' | '\\') {
                        text.push('\\');
                    }
                    text.push(character);
                }
                text.push('"');
            }
            Some(item) => text.push_str(&item),
        }
    }
    text.push('}');
    Ok(text)
}

mod sealed {
    use super::{Cow, Refusal};

    pub trait Encode {
        /// The SQL type's name.
        const SQL: &'static str;
        /// Whether [`text`](Self::text) may hold any character, so that it must travel as base64.
        const ANYTHING: bool = false;
        /// Postgres' input text for the value; `None` is null.
        fn text(&self) -> Result<Option<Cow<'_, str>>, Refusal>;
    }
}
use sealed::Encode;

macro_rules! encode_by_display {
    ($($rust:ty => $sql:literal),+) => {$(
        impl Encode for $rust {
            const SQL: &'static str = $sql;
            fn text(&self) -> Result<Option<Cow<'_, str>>, Refusal> {
                Ok(Some(self.to_string().into()))
            }
        }
    )+};
}

encode_by_display!(i16 => "smallint", i32 => "integer", i64 => "bigint", bool => "boolean", Uuid => "uuid");

impl Encode for OffsetDateTime {
    const SQL: &'static str = "timestamptz";

    fn text(&self) -> Result<Option<Cow<'_, str>>, Refusal> {
        // Years outside this range are written by Postgres in forms that do not decode again.
        let t = self
            .checked_to_offset(UtcOffset::UTC)
            .filter(|t| (1..=9999).contains(&t.year()))
            .ok_or("a time is outside the years 1 to 9999")?;
        let (date, clock, micros) = (t.date(), t.time(), t.microsecond());
        let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
        let (hour, minute, second) = clock.as_hms();
        let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z");
        Ok(Some(text.into()))
    }
}

impl Encode for str {
    const SQL: &'static str = "text";
    const ANYTHING: bool = true;

    fn text(&self) -> Result<Option<Cow<'_, str>>, Refusal> {
        Ok(Some(self.into()))
    }
}

impl Encode for String {
    const SQL: &'static str = "text";
    const ANYTHING: bool = true;

    fn text(&self) -> Result<Option<Cow<'_, str>>, Refusal> {
        Ok(Some(self.into()))
    }
}

impl Encode for Bytea<'_> {
    const SQL: &'static str = "bytea";
    /// For its backslash.
    const ANYTHING: bool = true;

    fn text(&self) -> Result<Option<Cow<'_, str>>, Refusal> {
        let mut text = String::from("\\x");
        for byte in self.0 {
            let _ = write!(text, "{byte:02x}");
        }
        Ok(Some(text.into()))
    }
}

impl Encode for serde_json::Value {
    const SQL: &'static str = "jsonb";
    const ANYTHING: bool = true;

    fn text(&self) -> Result<Option<Cow<'_, str>>, Refusal> {
        Ok(Some(self.to_string().into()))
    }
}

impl<T: Serialize> Encode for Json<T> {
    const SQL: &'static str = "jsonb";
    const ANYTHING: bool = true;

    fn text(&self) -> Result<Option<Cow<'_, str>>, Refusal> {
        let text = serde_json::to_string(&self.0).map_err(|_| "a value cannot be written as JSON")?;
        Ok(Some(text.into()))
    }
}

impl<T: Encode> Encode for Option<T> {
    const SQL: &'static str = T::SQL;
    const ANYTHING: bool = T::ANYTHING;

    fn text(&self) -> Result<Option<Cow<'_, str>>, Refusal> {
        self.as_ref().map_or(Ok(None), T::text)
    }
}

impl<T: Encode + ?Sized> Encode for &T {
    const SQL: &'static str = T::SQL;
    const ANYTHING: bool = T::ANYTHING;

    fn text(&self) -> Result<Option<Cow<'_, str>>, Refusal> {
        (*self).text()
    }
}
