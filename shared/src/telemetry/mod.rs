//! Logs: one JSON line for each request, and one for each failure, where it is handled.
//!
//! Never logged: tokens, passwords, e-mail addresses, payment methods, bodies.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tracing::Level;
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, registry, util::SubscriberInitExt};

static COLD: AtomicBool = AtomicBool::new(true);

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

/// The line for a request that was answered.
pub fn request(route: &str, status: u16, elapsed: Duration, request_id: &str) {
    let duration_ms = elapsed.as_secs_f64() * 1000.0;
    let cold_start = COLD.swap(false, Ordering::Relaxed);
    tracing::info!(route, status, duration_ms, cold_start, request_id, "{route} answered {status}");
}
