//! What a breaker knows of a call that it has allowed.

use super::tally::Outcome;

/// What the breaker said when it gave the permit.
pub(super) struct Grant {
    pub(super) token: String,
    pub(super) generation: u64,
    pub(super) kind: Kind,
    pub(super) store: Store,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    /// Failures were seen lately, so that a success is news.
    Watched,
    Probe,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Store {
    Shared,
    Local,
}

impl Grant {
    /// Whether this outcome can change anything.
    pub(super) fn is_news(&self, outcome: Outcome) -> bool {
        match self.kind {
            Kind::Probe => true,
            Kind::Watched => outcome != Outcome::Skipped,
            Kind::Plain => matches!(outcome, Outcome::Failed | Outcome::Slow),
        }
    }
}
