//! What the provider limits apart: its endpoints.

/// What an order's step asks of the provider. (Lists and searches follow a call that went wrong, and are too few to
/// come near a limit.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Creates an intent, and charges it in the same call.
    Create,
    /// Charges an intent that was created before.
    Confirm,
    /// Cancels an intent.
    Cancel,
    /// Gives money back.
    Refund,
    /// Says how an intent stands.
    Retrieve,
}

impl Operation {
    /// In a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Confirm => "confirm",
            Self::Cancel => "cancel",
            Self::Refund => "refund",
            Self::Retrieve => "retrieve",
        }
    }
}
