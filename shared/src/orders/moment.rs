//! Times as callers write them.

use std::str::FromStr;

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// A time as callers write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub(super) OffsetDateTime);

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).ok();
        // Some are a day of another year in UTC, and Postgres has no other years in this form.
        let moment = moment.and_then(|moment| moment.checked_to_offset(UtcOffset::UTC));
        let known = moment.filter(|moment| (1..=9999).contains(&moment.year()));
        known.map(Self).ok_or("must be a time such as 2026-11-28T09:50:00Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_wherever_it_is_from_and_nothing_else_is() {
        let moment = |text: &str| text.parse::<Moment>();
        assert_eq!(moment("2026-11-28T10:50:00+01:00"), moment("2026-11-28T09:50:00Z"));
        for wrong in [
            "",
            "yesterday",
            "2026-11-28",
            "0000-01-01T00:00:00Z",
            "2026-11-28T09:50:00",
            "9999-12-31T23:59:59-01:00",
        ] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }
}
