//! A customer's orders, page by page.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::moment::Moment;
use super::summary::Summary;
use crate::database::{Database, Statement};
use crate::error::Result;

static LIST: Statement = Statement::new("orders.list", include_str!("list.sql")).stored();

/// The order after which a page begins (keyset pagination): unlike an offset it costs the same on every page, and an
/// order placed meanwhile shifts nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cursor {
    pub(super) created_at: OffsetDateTime,
    pub(super) id: Uuid,
}

impl Cursor {
    /// Before the newest.
    pub(super) fn start() -> Self {
        Self { created_at: time::macros::datetime!(9999-12-31 0:00 UTC), id: Uuid::max() }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let microseconds = self.created_at.unix_timestamp_nanos() / 1000;
        let mut bytes = i64::try_from(microseconds).unwrap_or_default().to_be_bytes().to_vec();
        bytes.extend_from_slice(self.id.as_bytes());
        formatter.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Cursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const REFUSAL: &str = "must be the next_cursor of the page before";
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| REFUSAL)?;
        let (time, id) = bytes.split_first_chunk::<8>().ok_or(REFUSAL)?;
        let nanoseconds = i128::from(i64::from_be_bytes(*time)) * 1000;
        let created_at = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).map_err(|_| REFUSAL)?;
        if !(1..=9999).contains(&created_at.year()) {
            return Err(REFUSAL);
        }
        Ok(Self { created_at, id: Uuid::from_slice(id).map_err(|_| REFUSAL)? })
    }
}

/// One page of orders.
#[derive(Serialize)]
pub struct Page {
    orders: Vec<Summary>,
    next_cursor: Option<String>,
}

/// The most orders of a page.
pub const PAGE: u8 = 20;

/// One page of the user's orders since then, by default of the last 30 days, newest first, with items and products: one
/// statement.
pub async fn list(
    database: &Database,
    user: Uuid,
    since: Option<Moment>,
    after: Option<Cursor>,
    limit: u8,
) -> Result<Page> {
    let after = after.unwrap_or_else(Cursor::start);
    let limit = limit.clamp(1, PAGE);
    // One more than asked for tells whether there is a next page.
    let query = LIST
        .bind(user)
        .bind(after.created_at)
        .bind(after.id)
        .bind(i64::from(limit) + 1)
        .bind(since.map(|moment| moment.0));
    let mut orders: Vec<Summary> = database.fetch_all(query).await?;
    let more = orders.len() > usize::from(limit);
    orders.truncate(usize::from(limit));
    let last = orders.last().filter(|_| more);
    let next_cursor = last.map(|order| Cursor { created_at: order.created_at, id: order.id.0 }.to_string());
    Ok(Page { orders, next_cursor })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_the_journey_to_the_caller_and_back() {
        use time::macros::datetime;
        // The second is of a shop that brought its orders along.
        for created_at in [datetime!(2026-11-23 8:15:30.123456 UTC), datetime!(1969-07-20 20:17:40.5 UTC)] {
            let cursor = Cursor { created_at, id: Uuid::now_v7() };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
    }

    #[test]
    fn a_forged_cursor_is_refused_and_not_believed() {
        for forged in ["", "abc", "!!!!", &"A".repeat(31), &"A".repeat(33)] {
            assert!(forged.parse::<Cursor>().is_err(), "{forged}");
        }
        for microseconds in [i64::MIN, -62_135_596_800_000_001, i64::MAX] {
            let bytes = [&microseconds.to_be_bytes()[..], &[0; 16]].concat();
            assert!(URL_SAFE_NO_PAD.encode(bytes).parse::<Cursor>().is_err(), "{microseconds}");
        }
    }
}
