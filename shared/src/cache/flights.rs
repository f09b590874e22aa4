//! Single flight without Redis: the readers of one environment share their reads of the origin.
//!
//! The usual single flight lets a reader join a read that is already under way, and so hands out a value that may be
//! older than an update acknowledged before the reader came. Here a reader shares only a read that *began after* it
//! arrived: whatever the number of readers, at most two reads of a key are needed, and none answers with the past.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::task::yield_now;
use tokio::time::{Instant, timeout_at};

use super::entry::Value;

#[derive(Default)]
pub(super) struct Flights(Mutex<HashMap<String, Weak<Flight>>>);

/// The reads of one key, one after the other. Lives as long as somebody takes part.
#[derive(Default)]
struct Flight {
    begun: AtomicU64,
    landed: tokio::sync::Mutex<Landed>,
}

/// The number of the last read that succeeded, and its result.
#[derive(Default)]
struct Landed(u64, Value);

impl Flights {
    /// Reads the origin, or takes what another reader got from a read that began after this one asked.
    pub(super) async fn share<E>(
        &self,
        key: &str,
        deadline: Instant,
        origin: impl AsyncFnOnce() -> Result<Value, E>,
    ) -> Result<Value, E> {
        let flight = self.join(key);
        let arrived = flight.begun.load(Ordering::Relaxed);
        let Ok(mut landed) = timeout_at(deadline, flight.landed.lock()).await else {
            return origin().await;
        };
        if landed.0 > arrived {
            return Ok(landed.1.clone());
        }
        // Those who ask in the same turn of the event loop arrive before the read begins, and so can share it.
        yield_now().await;
        let number = flight.begun.fetch_add(1, Ordering::Relaxed) + 1;
        let value = origin().await?;
        *landed = Landed(number, value.clone());
        Ok(value)
    }

    fn join(&self, key: &str) -> Arc<Flight> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(key).and_then(Weak::upgrade) {
            return flight;
        }
        flights.retain(|_, flight| flight.strong_count() > 0);
        let flight = Arc::new(Flight::default());
        flights.insert(key.to_owned(), Arc::downgrade(&flight));
        flight
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::time::Duration;

    use bytes::Bytes;
    use futures::future::{join, join_all};
    use tokio::sync::oneshot;

    use super::*;
    use crate::cache::entry::Entry;

    fn deadline() -> Instant {
        Instant::now() + Duration::from_mins(1)
    }

    #[expect(clippy::unnecessary_wraps, reason = "it is what origins answer")]
    fn version(version: i64) -> Value {
        Some(Entry { body: Bytes::new(), version })
    }

    #[tokio::test]
    async fn readers_that_come_together_share_one_read() {
        let (flights, reads) = (Flights::default(), AtomicU64::new(0));
        let read = async || {
            reads.fetch_add(1, Ordering::Relaxed);
            yield_now().await;
            Ok::<_, Infallible>(version(1))
        };
        let values = join_all((0..64).map(|_| flights.share("key", deadline(), read))).await;
        assert!(values.into_iter().all(|value| value == Ok(version(1))));
        assert_eq!(reads.into_inner(), 1);
    }

    #[tokio::test]
    async fn a_reader_never_gets_a_read_that_began_before_it_came() {
        let flights = Flights::default();
        let (began, has_began) = oneshot::channel();
        let (go_on, may_go_on) = oneshot::channel::<()>();
        let early = flights.share("key", deadline(), async || {
            let _ = began.send(());
            let _ = may_go_on.await;
            Ok::<_, Infallible>(version(1))
        });
        let late = async {
            has_began.await.expect("the first read begins");
            let value = flights.share("key", deadline(), async || Ok::<_, Infallible>(version(2)));
            let (value, _) = join(value, async { go_on.send(()) }).await;
            value
        };
        assert_eq!(join(early, late).await, (Ok(version(1)), Ok(version(2))));
    }

    #[tokio::test]
    async fn a_failed_read_is_not_shared() {
        let flights = Flights::default();
        let failing = flights.share("key", deadline(), async || Err("away"));
        let other = flights.share("key", deadline(), async || Ok::<_, &str>(None));
        assert_eq!(join(failing, other).await, (Err("away"), Ok(None)));
    }
}
