//! The states of an order. What leads from one to another stands in `life.rs`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// Somebody is charging it, or was and did not learn how it ended.
    Charging,
    /// To be charged later; nothing is under way at the provider.
    Deferred,
    /// The customer has to authenticate the payment.
    ActionRequired,
    /// Paid.
    Paid,
    /// Declined; its stock is released.
    Failed,
    /// To be cancelled as soon as its payment is.
    Cancelling,
    /// Cancelled; its stock is released and no charge stands.
    Cancelled,
    /// Paid, and to be paid back.
    RefundPending,
    /// Paid back.
    Refunded,
}

impl OrderStatus {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Charging,
        Self::Deferred,
        Self::ActionRequired,
        Self::Paid,
        Self::Failed,
        Self::Cancelling,
        Self::Cancelled,
        Self::RefundPending,
        Self::Refunded,
    ];

    /// The word for it in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Charging => "charging",
            Self::Deferred => "deferred",
            Self::ActionRequired => "action_required",
            Self::Paid => "paid",
            Self::Failed => "failed",
            Self::Cancelling => "cancelling",
            Self::Cancelled => "cancelled",
            Self::RefundPending => "refund_pending",
            Self::Refunded => "refunded",
        }
    }
}

impl fmt::Display for OrderStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for OrderStatus {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let status = Self::ALL.into_iter().find(|status| status.as_str() == word);
        status.ok_or_else(|| format!("must be one of {}", Self::ALL.map(Self::as_str).join(", ")))
    }
}

impl TryFrom<String> for OrderStatus {
    type Error = UnknownStatus;

    fn try_from(word: String) -> Result<Self, Self::Error> {
        word.parse().map_err(|_| UnknownStatus(word))
    }
}

/// A status that this version of the code does not know: a newer one runs beside it.
#[derive(Debug, thiserror::Error)]
#[error("unknown order status {0}")]
pub struct UnknownStatus(String);

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_status_is_one_word_for_rust_the_database_and_json() {
        for status in OrderStatus::ALL {
            assert_eq!(status.as_str().parse::<OrderStatus>().expect("reads"), status);
            assert_eq!(serde_json::to_value(status).expect("writes"), status.as_str());
        }
    }

    #[test]
    fn every_status_that_a_statement_looks_for_is_one() {
        let rooms = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).expect("the rooms");
        let rooms = rooms.map(|room| room.expect("a room").path()).filter(|room| room.is_dir());
        let files = rooms.flat_map(|room| fs::read_dir(room).expect("its files"));
        let files = files.map(|file| file.expect("a file").path());
        let mut found = 0;
        for file in files.filter(|file| file.extension().is_some_and(|extension| extension == "sql")) {
            let statement = fs::read_to_string(&file).expect("a statement");
            for list in statement.split(".status in (").skip(1) {
                for word in list.split(')').next().unwrap_or_default().split(',') {
                    let word = word.trim().trim_matches('\'');
                    assert!(word.parse::<OrderStatus>().is_ok(), "{}: {word}", file.display());
                    found += 1;
                }
            }
        }
        assert!(found > 20, "only {found}");
    }
}
