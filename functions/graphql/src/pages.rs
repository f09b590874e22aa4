//! A list that a query has several times is fetched once.
//!
//! Fields of one name are one field to GraphQL, wherever fragments put them. async-graphql 7.2 resolves each by itself
//! and joins what they lead to, lists by the places of their rows. With a statement for each, and so a snapshot for
//! each, an order placed between the two would have put one order's amount beside another's id.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::{BoxFuture, FutureExt, Shared};
use shared::error::{Error, Result};

type Fetch<K, V> = Box<dyn Fn(K) -> BoxFuture<'static, Result<Vec<V>>> + Send + Sync>;
/// A page for everybody who wants it, or why there is none.
type Fetched<V> = Shared<BoxFuture<'static, Result<Vec<V>, Arc<Error>>>>;

/// Fetches each page once. No [`Batch`](crate::batch::Batch): no statement has several pages, and one that fails is
/// nothing to the others.
pub(crate) struct Pages<K, V> {
    fetch: Fetch<K, V>,
    /// Kept until the request ends, or a field that comes later would see other rows.
    fetched: Mutex<HashMap<K, Fetched<V>>>,
}

impl<K, V> Pages<K, V>
where
    K: Copy + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// `fetch` gets all that decides on the rows.
    pub(crate) fn new(
        fetch: impl Fn(K) -> BoxFuture<'static, Result<Vec<V>>> + Send + Sync + 'static,
    ) -> Self {
        Self { fetch: Box::new(fetch), fetched: Mutex::default() }
    }

    /// The page: the same rows, or the same error, whoever asks.
    pub(crate) async fn load(&self, wanted: K) -> Result<Vec<V>, Arc<Error>> {
        self.fetch_or_join(wanted).await
    }

    fn fetch_or_join(&self, wanted: K) -> Fetched<V> {
        let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = || (self.fetch)(wanted).map(|page| page.map_err(Arc::new)).boxed().shared();
        let page = fetched.entry(wanted).or_insert_with(begin);
        page.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures::future::join_all;
    use shared::error::not_found;

    use super::*;

    /// Each fetch has rows of its own; there is no page 0.
    fn numbered() -> Pages<u32, u32> {
        let fetches = AtomicU32::new(0);
        Pages::new(move |page| {
            let fetch = fetches.fetch_add(1, Ordering::Relaxed);
            async move {
                tokio::task::yield_now().await;
                if page == 0 { Err(not_found("page")) } else { Ok(vec![page, fetch]) }
            }
            .boxed()
        })
    }

    #[tokio::test]
    async fn a_page_is_fetched_once_however_often_and_late_it_is_asked_for() {
        let pages = numbered();
        let found = join_all([7, 8, 7].map(|page| pages.load(page))).await;
        let found: Vec<_> = found.into_iter().map(|page| page.expect("a page")).collect();
        assert_eq!(found, [[7, 0], [8, 1], [7, 0]]);
        assert_eq!(pages.load(8).await.expect("a page"), [8, 1]);
    }

    #[tokio::test]
    async fn a_failure_is_the_same_for_all_who_asked_for_that_page_and_for_nobody_else() {
        let pages = numbered();
        let found = join_all([0, 1, 0].map(|page| pages.load(page))).await;
        let [Err(first), Ok(page), Err(second)] = &found[..] else { panic!("{found:?}") };
        assert!(Arc::ptr_eq(first, second));
        assert_eq!(*page, [1, 1]);
    }

    #[tokio::test]
    async fn one_who_gives_up_leaves_the_page_to_the_others() {
        let pages = numbered();
        let mut impatient = Box::pin(pages.load(1));
        assert!(impatient.as_mut().now_or_never().is_none());
        let patient = pages.load(1);
        let (found, ()) = tokio::join!(patient, async { drop(impatient) });
        assert_eq!(found.expect("a page"), [1, 0]);
    }
}
