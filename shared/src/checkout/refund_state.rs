//! How a refund stands that an administrator wanted.

use serde::Serialize;

/// How a refund stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    /// It will be made by itself.
    Pending,
    /// The provider has taken it.
    Succeeded,
    /// The provider has refused it; no money moved.
    Failed,
}

impl RefundState {
    /// The word for it in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

impl From<&str> for RefundState {
    /// What is neither is still under way.
    fn from(word: &str) -> Self {
        match word {
            "succeeded" => Self::Succeeded,
            "failed" => Self::Failed,
            _ => Self::Pending,
        }
    }
}
