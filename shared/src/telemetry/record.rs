//! What happened in one invocation.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::waits::Waits;
use super::{Counter, Gauge, Timer};

static COLD: AtomicBool = AtomicBool::new(true);

tokio::task_local! {
    static CURRENT: Record;
}

/// The record of one invocation. Cheap to clone; clones are the same record.
#[derive(Clone, Debug)]
pub struct Record(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    began: Instant,
    request_id: String,
    trace_header: Option<String>,
    counters: [AtomicU32; Counter::ALL.len()],
    timers: [Mutex<Waits>; Timer::ALL.len()],
    /// One more than the value; 0 if there is none.
    gauges: [AtomicU64; Gauge::ALL.len()],
}

impl Record {
    /// Begins with an invocation. `request_id` is what its caller knows it by; `trace_header` is X-Ray's, as the
    /// invocation got it.
    #[must_use]
    pub fn begin(request_id: impl Into<String>, trace_header: Option<String>) -> Self {
        let record = Self(Arc::new(Inner {
            began: Instant::now(),
            request_id: request_id.into(),
            trace_header,
            counters: [const { AtomicU32::new(0) }; Counter::ALL.len()],
            timers: [const { Mutex::new(Waits::NONE) }; Timer::ALL.len()],
            gauges: [const { AtomicU64::new(0) }; Gauge::ALL.len()],
        }));
        if COLD.load(Relaxed) && COLD.swap(false, Relaxed) {
            record.add(Counter::ColdStart, 1);
        }
        record
    }

    /// Does `work`, and notes what it counts and measures.
    pub fn observe<T>(&self, work: impl Future<Output = T>) -> impl Future<Output = T> {
        // No `async fn`: it would have room for `work` twice, and a request's future is moved whole.
        CURRENT.scope(self.clone(), work)
    }

    /// How often this happened.
    #[must_use]
    pub fn count_of(&self, counter: Counter) -> u32 {
        self.0.counters[counter as usize].load(Relaxed)
    }

    /// How long this was waited for; `None` if it was not.
    #[must_use]
    pub fn time_of(&self, timer: Timer) -> Option<Duration> {
        self.waits(timer).total()
    }

    /// How this stands; `None` if nobody said.
    #[must_use]
    pub fn value_of(&self, gauge: Gauge) -> Option<u64> {
        self.0.gauges[gauge as usize].load(Relaxed).checked_sub(1)
    }

    fn waits(&self, timer: Timer) -> MutexGuard<'_, Waits> {
        self.0.timers[timer as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.0.began.elapsed()
    }

    pub(super) fn request_id(&self) -> &str {
        &self.0.request_id
    }

    pub(super) fn trace_header(&self) -> Option<&str> {
        self.0.trace_header.as_deref()
    }

    fn add(&self, counter: Counter, times: u32) {
        let cell = &self.0.counters[counter as usize];
        if counter.is_once() {
            cell.store(1, Relaxed);
        } else {
            cell.fetch_add(times, Relaxed);
        }
    }
}

/// Notes that something happened.
pub fn count(counter: Counter) {
    add(counter, 1);
}

/// Notes that something happened so many times.
pub fn add(counter: Counter, times: u32) {
    let _ = CURRENT.try_with(|record| record.add(counter, times));
}

/// Notes a wait that ends now.
pub fn time(timer: Timer, waited: Duration) {
    let now = Instant::now();
    let since = now.checked_sub(waited).unwrap_or(now);
    let _ = CURRENT.try_with(|record| record.waits(timer).add(since, now));
}

/// Notes how something stands.
pub fn set(gauge: Gauge, value: u64) {
    let _ =
        CURRENT.try_with(|record| record.0.gauges[gauge as usize].store(value.saturating_add(1), Relaxed));
}

/// X-Ray's header of the current invocation, to be sent along with what it causes.
pub fn trace_header() -> Option<String> {
    CURRENT.try_with(|record| record.0.trace_header.clone()).ok().flatten()
}

/// What the current invocation's caller knows it by.
pub(super) fn request_id() -> Option<String> {
    CURRENT.try_with(|record| record.0.request_id.clone()).ok()
}

/// Lets `task`, which is about to be spawned, count for the current invocation.
pub fn carry<T>(task: impl Future<Output = T>) -> impl Future<Output = T> {
    let record = CURRENT.try_with(Clone::clone);
    async move {
        match record {
            Ok(record) => CURRENT.scope(record, task).await,
            Err(_) => task.await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_counts_what_happens_within_and_nothing_else() {
        let (record, other) = (Record::begin("", None), Record::begin("", None));
        count(Counter::CacheHit);
        record
            .observe(async {
                count(Counter::CacheHit);
                add(Counter::CacheHit, 2);
                time(Timer::RedisTime, Duration::from_nanos(1));
                other.observe(async { count(Counter::CacheMiss) }).await;
                set(Gauge::OldestUnfinishedOrder, 0);
            })
            .await;
        assert_eq!((record.count_of(Counter::CacheHit), record.count_of(Counter::CacheMiss)), (3, 0));
        assert_eq!(record.time_of(Timer::RedisTime), Some(Duration::from_nanos(1)));
        assert_eq!(record.time_of(Timer::DatabaseTime), None);
        assert_eq!(record.value_of(Gauge::OldestUnfinishedOrder), Some(0));
        assert_eq!((other.count_of(Counter::CacheHit), other.count_of(Counter::CacheMiss)), (0, 1));
        assert_eq!(other.value_of(Gauge::OldestUnfinishedOrder), None);
    }

    #[tokio::test]
    async fn what_was_waited_for_at_once_counts_once() {
        let (record, hour) = (Record::begin("", None), Duration::from_hours(1));
        record.observe(async { (0..9).for_each(|_| time(Timer::DatabaseTime, hour)) }).await;
        let waited = record.time_of(Timer::DatabaseTime).expect("a wait");
        assert!((hour..2 * hour).contains(&waited), "{waited:?}");
    }

    #[tokio::test]
    async fn a_spawned_task_counts_for_the_invocation_that_spawned_it() {
        let record = Record::begin("", None);
        let spawned = record.observe(async {
            tokio::spawn(async { count(Counter::CacheMiss) }).await.expect("joins");
            tokio::spawn(carry(async { count(Counter::CacheHit) })).await
        });
        spawned.await.expect("joins");
        assert_eq!((record.count_of(Counter::CacheHit), record.count_of(Counter::CacheMiss)), (1, 0));
    }

    #[tokio::test]
    async fn a_refused_request_counts_once_however_many_policies_refuse_it() {
        let record = Record::begin("", None);
        record.observe(async { add(Counter::RateLimited, 2) }).await;
        assert_eq!(record.count_of(Counter::RateLimited), 1);
    }

    #[tokio::test]
    async fn the_trace_header_is_the_invocations_own() {
        assert_eq!(trace_header(), None);
        let record = Record::begin("", Some("Root=1-2-3".to_owned()));
        assert_eq!(record.observe(async { trace_header() }).await.as_deref(), Some("Root=1-2-3"));
    }
}
