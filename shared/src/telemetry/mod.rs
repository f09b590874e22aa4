//! Logs and metrics: one line for each request, and one for each failure, where it is handled.
//!
//! The line of a request is also its metrics: CloudWatch takes them out of it ([`Record::write`]). What happens on the
//! way of a request is counted where it is known, without handing anything around:
//!
//! ```
//! use std::time::Duration;
//! use shared::telemetry::{self, Counter, Record, Timer};
//!
//! # tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(async {
//! let record = Record::begin("request-1", None);
//! record.observe(async {
//!     telemetry::count(Counter::CacheHit);
//!     telemetry::time(Timer::RedisTime, Duration::from_micros(300));
//! }).await;
//! assert_eq!(record.count_of(Counter::CacheHit), 1);
//! # });
//! ```
//!
//! Outside of [`Record::observe`] counting does nothing, so the mechanisms need not know who uses them. Work that is
//! spawned takes the record along with [`carry`].
//!
//! Never logged: tokens, passwords, e-mail addresses, payment methods, bodies.

mod emf;
mod log;
mod metrics;
mod record;
mod trace;
mod waits;

pub use log::init;
pub use metrics::{Counter, Gauge, Timer};
pub use record::{Record, add, carry, count, set, time, trace_header};
pub use trace::trace_id;

/// How an invocation ended, for its line.
#[derive(Debug)]
pub struct Outcome<'a> {
    /// Method and path pattern, or the function's name where there is no route.
    pub route: &'a str,
    /// `2xx` … `5xx`; `ok` or `failed` where there is no HTTP status.
    pub class: &'static str,
    /// HTTP status.
    pub status: Option<u16>,
    /// Say it in words: `answered 200`.
    pub words: &'a str,
}
