//! What clients were told: the audit holds the shop to it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::chronicle::{Span, Violation};
use super::freshness::Freshness;

/// One purchase, whatever number of times it was submitted: one idempotency key, one body.
#[derive(Clone, Debug)]
pub(super) struct Purchase {
    pub(super) user: u32,
    pub(super) key: String,
    pub(super) body: Value,
    /// When its customer decided to buy, and got the first answer that is final or would be.
    pub(super) begun: OffsetDateTime,
    pub(super) answered: Option<OffsetDateTime>,
    /// Whether a request of it got no answer, and so may still have been on its way when another was answered.
    pub(super) unheard: bool,
    /// Final answers, in the order in which they came.
    pub(super) said: Vec<Said>,
    /// The answer to a cancellation, if there was one: the status word.
    pub(super) cancelled: Option<String>,
}

/// One of a purchase's requests, whose customer waited until it had an answer or knew that there would be none.
#[derive(Clone, Debug)]
pub(super) struct Submission {
    /// The purchase's.
    pub(super) key: String,
    pub(super) sent: OffsetDateTime,
    pub(super) ended: OffsetDateTime,
}

/// A final answer to a checkout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// The HTTP status.
    pub(super) status: u16,
    /// Empty where the answer names none: out of stock.
    pub(super) order: String,
    /// Where the order stood.
    pub(super) word: String,
    /// What it costs.
    pub(super) total: i64,
    /// The intent, from the client secret of an answer that asks the customer to authenticate.
    pub(super) intent: Option<String>,
}

/// What an administrator was told of a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ToldRefund {
    pub(super) order: String,
    pub(super) key: String,
    pub(super) amount: i64,
    /// `pending`, `succeeded` or `failed`.
    pub(super) word: String,
}

/// So many more pieces of a product; without an answer nobody knows whether they are there.
#[derive(Clone, Copy, Debug)]
pub(super) struct StockChange {
    pub(super) product: Uuid,
    pub(super) change: i64,
    pub(super) acknowledged: bool,
    /// From when it was asked for until there was an answer, or none came.
    pub(super) when: Span,
}

/// Everything that was seen.
#[derive(Default)]
pub(super) struct Witness(Mutex<Seen>);

/// See [`Witness`].
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) purchases: Vec<Purchase>,
    pub(super) submissions: Vec<Submission>,
    /// Answers by function and status; 0: none came.
    pub(super) answers: BTreeMap<(&'static str, u16), u64>,
    /// Answers that no client should ever get.
    pub(super) complaints: Vec<Violation>,
    pub(super) refunds: Vec<ToldRefund>,
    pub(super) stock_changes: Vec<StockChange>,
    pub(super) freshness: Freshness,
}

impl Witness {
    pub(super) fn seen(&self) -> Seen {
        self.lock().clone()
    }

    /// How many purchases have an order.
    pub(super) fn orders(&self) -> usize {
        let ordered = |purchase: &&Purchase| purchase.said.iter().any(|said| !said.order.is_empty());
        self.lock().purchases.iter().filter(ordered).count()
    }

    /// Whether anybody who decided to buy after a moment has an answer.
    pub(super) fn has_answered_since(&self, moment: OffsetDateTime) -> bool {
        self.lock().purchases.iter().any(|purchase| purchase.begun > moment && purchase.answered.is_some())
    }

    /// A new purchase; its number.
    pub(super) fn begin(&self, user: u32, key: String, body: Value) -> usize {
        let mut seen = self.lock();
        let begun = OffsetDateTime::now_utc();
        seen.purchases.push(Purchase {
            user,
            key,
            body,
            begun,
            answered: None,
            unheard: false,
            said: Vec::new(),
            cancelled: None,
        });
        seen.purchases.len() - 1
    }

    pub(super) fn purchase(&self, number: usize) -> Purchase {
        self.lock().purchases[number].clone()
    }

    /// A final answer.
    pub(super) fn said(&self, purchase: usize, said: Said) {
        self.heard(purchase);
        self.lock().purchases[purchase].said.push(said);
    }

    /// An answer that would be final, had every earlier request been answered.
    pub(super) fn heard(&self, purchase: usize) {
        self.lock().purchases[purchase].answered.get_or_insert_with(OffsetDateTime::now_utc);
    }

    /// Its customer waits no longer.
    pub(super) fn submitted(&self, submission: Submission) {
        self.lock().submissions.push(submission);
    }

    /// A request got no answer.
    pub(super) fn unheard(&self, purchase: usize) {
        self.lock().purchases[purchase].unheard = true;
    }

    pub(super) fn cancelled(&self, purchase: usize, word: &str) {
        self.lock().purchases[purchase].cancelled = Some(word.to_owned());
    }

    /// Counts an answer; 0 stands for none.
    pub(super) fn answered(&self, function: &'static str, status: u16) {
        *self.lock().answers.entry((function, status)).or_default() += 1;
    }

    pub(super) fn complain(&self, what: String) {
        self.lock().complaints.push(Violation { what, when: Some(Span::now()) });
    }

    pub(super) fn refunded(&self, order: &str, key: &str, amount: i64, word: &str) {
        let (order, key, word) = (order.to_owned(), key.to_owned(), word.to_owned());
        self.lock().refunds.push(ToldRefund { order, key, amount, word });
    }

    pub(super) fn restocked(&self, change: StockChange) {
        self.lock().stock_changes.push(change);
    }

    /// Notes, or asks, who read what.
    pub(super) fn freshness<T>(&self, note: impl FnOnce(&mut Freshness) -> T) -> T {
        note(&mut self.lock().freshness)
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
