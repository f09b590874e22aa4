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
//! let record = Record::begin(None);
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
mod metrics;
mod record;
mod trace;

pub use metrics::{Counter, Gauge, Timer};
pub use record::{Record, add, carry, count, set, time, trace_header};
pub use trace::trace_id;

use tracing::Level;
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, registry, util::SubscriberInitExt};

/// How an invocation ended, for its line.
#[derive(Debug)]
pub struct Outcome<'a> {
    /// Method and path pattern, or the function's name where there is no route.
    pub route: &'a str,
    /// `2xx` … `5xx`; `ok` or `failed` where there is no HTTP status.
    pub class: &'static str,
    /// HTTP status.
    pub status: Option<u16>,
    /// Under which the caller knows the request.
    pub request_id: &'a str,
    /// Say it in words: `answered 200`.
    pub words: &'a str,
}

/// Starts logging: JSON unless `AWS_LAMBDA_LOG_FORMAT=TEXT`, at `RUST_LOG`, else `AWS_LAMBDA_LOG_LEVEL`, else info.
/// Does nothing the second time.
pub fn init() {
    let filter = std::env::var("RUST_LOG").or_else(|_| std::env::var("AWS_LAMBDA_LOG_LEVEL"));
    // Lambda says FATAL and WARN where tracing knows neither upper case nor FATAL.
    let filter = filter.unwrap_or_else(|_| "info".to_owned()).to_lowercase().replace("fatal", "error");
    let filter = EnvFilter::builder().with_default_directive(Level::INFO.into()).parse_lossy(filter);
    let text = std::env::var("AWS_LAMBDA_LOG_FORMAT").is_ok_and(|format| format.eq_ignore_ascii_case("text"));
    let layer = tracing_subscriber::fmt::layer().with_target(false).with_ansi(false);
    // CloudWatch stamps each line itself, but a log that is read elsewhere needs its own time.
    let layer =
        if text { layer.boxed() } else { layer.json().flatten_event(true).with_span_list(false).boxed() };
    let _ = registry().with(filter).with(layer).try_init();
}
