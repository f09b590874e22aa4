//! What clients were told: the audit holds the shop to it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::time::Instant;

/// One purchase, whatever number of times it was submitted: one idempotency key, one body.
#[derive(Clone, Debug)]
pub(super) struct Purchase {
    pub(super) user: u32,
    pub(super) key: String,
    pub(super) body: Value,
    /// Final answers, in the order in which they came.
    pub(super) said: Vec<Said>,
    /// The answer to a cancellation, if there was one: the status word.
    pub(super) cancelled: Option<String>,
}

/// A final answer to a checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// The HTTP status.
    pub(super) status: u16,
    /// Empty where the answer names none: out of stock.
    pub(super) order: String,
    /// Where the order stood.
    pub(super) word: String,
    /// The intent, from the client secret of an answer that asks the customer to authenticate.
    pub(super) intent: Option<String>,
}

/// Everything that was seen.
#[derive(Default)]
pub(super) struct Witness(Mutex<Seen>);

/// See [`Witness`].
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) purchases: Vec<Purchase>,
    /// Answers by function and status; 0: none came.
    pub(super) answers: BTreeMap<(&'static str, u16), u64>,
    /// Answers that no client should ever get.
    pub(super) complaints: Vec<String>,
    shelf: BTreeMap<u32, Shelf>,
    redis: Redis,
    pub(super) reads: u64,
    pub(super) updates: u64,
    /// Older than acknowledged, while an invalidation may have been lost with Redis and no sweep had healed it yet.
    pub(super) excused_reads: u64,
    /// Older than acknowledged without that excuse.
    pub(super) stale_reads: Vec<String>,
}

/// What is known of one product.
#[derive(Clone, Copy, Debug, Default)]
struct Shelf {
    acknowledged: i64,
    /// When an update was acknowledged whose invalidation may have been lost.
    doubtful_since: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Redis {
    away: u32,
    back_since: Option<Instant>,
    /// When the last sweep began that Redis was there for.
    swept: Option<Instant>,
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

    /// A new purchase; its number.
    pub(super) fn begin(&self, user: u32, key: String, body: Value) -> usize {
        let mut seen = self.lock();
        seen.purchases.push(Purchase { user, key, body, said: Vec::new(), cancelled: None });
        seen.purchases.len() - 1
    }

    pub(super) fn purchase(&self, number: usize) -> Purchase {
        self.lock().purchases[number].clone()
    }

    pub(super) fn said(&self, purchase: usize, said: Said) {
        self.lock().purchases[purchase].said.push(said);
    }

    pub(super) fn cancelled(&self, purchase: usize, word: &str) {
        self.lock().purchases[purchase].cancelled = Some(word.to_owned());
    }

    /// Counts an answer; 0 stands for none.
    pub(super) fn answered(&self, function: &'static str, status: u16) {
        *self.lock().answers.entry((function, status)).or_default() += 1;
    }

    pub(super) fn complain(&self, what: String) {
        self.lock().complaints.push(what);
    }

    /// An administrator was told that this version is the product's, having asked at `asked`.
    pub(super) fn updated(&self, product: u32, version: i64, asked: Instant) {
        let mut seen = self.lock();
        seen.updates += 1;
        let doubtful = seen.redis.away > 0 || seen.redis.back_since.is_some_and(|since| since >= asked);
        let shelf = seen.shelf.entry(product).or_default();
        shelf.acknowledged = shelf.acknowledged.max(version);
        if doubtful {
            shelf.doubtful_since = Some(Instant::now());
        }
    }

    /// What a reader that begins now must not fall behind.
    pub(super) fn acknowledged(&self, product: u32) -> i64 {
        self.lock().shelf.get(&product).map_or(0, |shelf| shelf.acknowledged)
    }

    /// A reader that began when `floor` was acknowledged got this version.
    pub(super) fn read(&self, product: u32, floor: i64, version: i64) {
        let mut seen = self.lock();
        seen.reads += 1;
        if version >= floor {
            return;
        }
        let since = seen.shelf.get(&product).and_then(|shelf| shelf.doubtful_since);
        let healed = |since: Instant| seen.redis.swept.is_some_and(|swept| swept > since);
        if since.is_some_and(|since| !healed(since)) {
            seen.excused_reads += 1;
        } else {
            let text =
                format!("product {product}: version {version} was read after {floor} was acknowledged");
            seen.stale_reads.push(text);
        }
    }

    pub(super) fn redis_goes(&self) {
        self.lock().redis.away += 1;
    }

    pub(super) fn redis_is_back(&self) {
        let redis = &mut self.lock().redis;
        redis.away -= 1;
        redis.back_since = Some(Instant::now());
    }

    /// A sweep has succeeded that began at `begun`.
    pub(super) fn swept(&self, begun: Instant) {
        let redis = &mut self.lock().redis;
        if redis.away == 0 && redis.back_since.is_none_or(|since| since < begun) {
            redis.swept = Some(begun);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_behind_an_acknowledged_update_is_a_violation() {
        let witness = Witness::default();
        witness.updated(1, 5, Instant::now());
        witness.read(1, witness.acknowledged(1), 5);
        assert!(witness.seen().stale_reads.is_empty());
        witness.read(1, witness.acknowledged(1), 4);
        assert_eq!(witness.seen().stale_reads.len(), 1);
    }

    #[test]
    fn only_an_update_beside_an_outage_of_redis_is_excused_and_only_until_a_sweep() {
        let witness = Witness::default();
        witness.redis_goes();
        witness.updated(1, 5, Instant::now());
        witness.redis_is_back();
        witness.read(1, 5, 4);
        assert_eq!((witness.seen().excused_reads, witness.seen().stale_reads.len()), (1, 0));
        let later = Instant::now() + std::time::Duration::from_secs(1);
        witness.swept(later);
        witness.read(1, 5, 4);
        assert_eq!((witness.seen().excused_reads, witness.seen().stale_reads.len()), (1, 1));
    }
}
