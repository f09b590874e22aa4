//! A batch, as `DataLoader` (Facebook, 2010) has it: keys that are asked for one by one are fetched together.
//!
//! async-graphql's own waits for a timer first, which tokio rounds up to the next millisecond: a query with two levels
//! of batches waited longer for timers than for the database. But the first key of a level starts a task, and the
//! resolvers of that level are all polled before the runtime, which has one thread, comes to it: that is waiting long
//! enough.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::{BoxFuture, FutureExt, Shared};
use shared::error::{Error, internal};
use shared::telemetry;

/// What the keys of one fetch lead to.
type Found<K, V> = Result<HashMap<K, V>, Error>;
type Fetch<K, V> = Arc<dyn Fn(Vec<K>) -> BoxFuture<'static, Found<K, V>> + Send + Sync>;
/// What is fetched for everybody who waits for it.
type Fetched<K, V> = Shared<BoxFuture<'static, Result<Arc<HashMap<K, V>>, Arc<Error>>>>;

/// Collects keys and fetches them together.
pub(crate) struct Batch<K, V> {
    fetch: Fetch<K, V>,
    planned: Arc<Mutex<Option<Planned<K, V>>>>,
}

/// A fetch that waits for the other keys of its level.
struct Planned<K, V> {
    keys: HashSet<K>,
    fetched: Fetched<K, V>,
}

impl<K, V> Batch<K, V>
where
    K: Copy + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// `fetch` gets each key once. Those that lead nowhere are missing from what it returns.
    pub(crate) fn new(
        fetch: impl Fn(Vec<K>) -> BoxFuture<'static, Found<K, V>> + Send + Sync + 'static,
    ) -> Self {
        Self { fetch: Arc::new(fetch), planned: Arc::default() }
    }

    /// What the key leads to, if anything.
    pub(crate) async fn load(&self, key: K) -> Result<Option<V>, Arc<Error>> {
        let fetched = self.join(key).await?;
        Ok(fetched.get(&key).cloned())
    }

    /// The fetch that takes this key along: the one that is planned, or a new one.
    fn join(&self, key: K) -> Fetched<K, V> {
        let mut planned = lock(&self.planned);
        if let Some(planned) = &mut *planned {
            planned.keys.insert(key);
            return planned.fetched.clone();
        }
        let (fetch, plan) = (Arc::clone(&self.fetch), Arc::clone(&self.planned));
        let task = tokio::spawn(telemetry::carry(async move {
            let keys = lock(&plan).take().map(|planned| planned.keys).unwrap_or_default();
            fetch(keys.into_iter().collect()).await
        }));
        let fetched = task.map(|ended| ended.map_err(internal).flatten().map(Arc::new).map_err(Arc::new));
        let fetched = fetched.boxed().shared();
        *planned = Some(Planned { keys: HashSet::from([key]), fetched: fetched.clone() });
        fetched
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use shared::error::not_found;

    use super::*;

    /// Doubles even keys, and notes how many it gets at a time.
    fn doubling() -> (Batch<u32, u32>, Arc<Mutex<Vec<usize>>>) {
        let fetches = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&fetches);
        let batch = Batch::new(move |keys: Vec<u32>| {
            lock(&noted).push(keys.len());
            let even = keys.into_iter().filter(|key| key % 2 == 0);
            let found = even.map(|key| (key, 2 * key)).collect();
            async { Ok(found) }.boxed()
        });
        (batch, fetches)
    }

    #[tokio::test]
    async fn what_a_level_asks_for_is_fetched_once_and_the_next_level_apart() {
        let (batch, fetches) = doubling();
        let descend = async |key: u32| {
            let found = batch.load(key).await.expect("a fetch")?;
            batch.load(found).await.expect("a fetch")
        };
        let found = join_all([2, 4, 3, 2].map(descend)).await;
        assert_eq!(found, [Some(8), Some(16), None, Some(8)]);
        assert_eq!(*lock(&fetches), [3, 2]);
    }

    #[tokio::test]
    async fn a_failure_is_told_to_everybody_who_waited_and_to_nobody_later() {
        let fails = Arc::new(Mutex::new(true));
        let failing = Arc::clone(&fails);
        let batch = Batch::new(move |keys: Vec<u32>| {
            let found = Ok(keys.into_iter().map(|key| (key, key)).collect());
            let outcome = if std::mem::take(&mut *lock(&failing)) { Err(not_found("key")) } else { found };
            async { outcome }.boxed()
        });
        let first = join_all([1, 2].map(|key| batch.load(key))).await;
        assert!(first.iter().all(Result::is_err));
        assert_eq!(batch.load(1).await.expect("a fetch"), Some(1));
    }

    #[tokio::test]
    async fn one_who_gives_up_leaves_the_fetch_to_the_others() {
        let (batch, fetches) = doubling();
        let mut impatient = Box::pin(batch.load(2));
        assert!(impatient.as_mut().now_or_never().is_none());
        let patient = batch.load(4);
        let (found, ()) = tokio::join!(patient, async { drop(impatient) });
        assert_eq!(found.expect("a fetch"), Some(8));
        assert_eq!(*lock(&fetches), [2]);
    }
}
