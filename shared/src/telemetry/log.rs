//! The log: JSON lines, each of which names its request, and which levels are written.

use std::io::Write;

use serde::{Serializer, ser::SerializeMap};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tracing::{Event, Level, Subscriber};
use tracing_serde::SerdeMapVisitor;
use tracing_subscriber::{
    Layer,
    filter::Targets,
    layer::{Context, SubscriberExt},
    registry,
    util::SubscriberInitExt,
};

use super::record;

/// Starts logging: JSON unless `AWS_LAMBDA_LOG_FORMAT=TEXT`, at `RUST_LOG`, else `AWS_LAMBDA_LOG_LEVEL`, else info.
/// Does nothing the second time.
pub fn init() {
    let levels = std::env::var("RUST_LOG").or_else(|_| std::env::var("AWS_LAMBDA_LOG_LEVEL"));
    let text = std::env::var("AWS_LAMBDA_LOG_FORMAT").is_ok_and(|format| format.eq_ignore_ascii_case("text"));
    let lines = tracing_subscriber::fmt::layer().with_target(false).with_ansi(false);
    let lines = if text { lines.boxed() } else { Json.boxed() };
    let _ = registry().with(targets(&levels.unwrap_or_default())).with(lines).try_init();
}

/// Reads `warn`, or `info,shared::redis=debug`. What it does not name is written from info upwards.
fn targets(levels: &str) -> Targets {
    // Lambda says FATAL and WARN where tracing knows neither upper case nor FATAL. Nothing at all it would read as error.
    let levels = if levels.is_empty() { "info" } else { levels };
    let targets: Targets = levels.to_lowercase().replace("fatal", "error").parse().unwrap_or_default();
    match targets.default_level() {
        Some(_) => targets,
        None => targets.with_default(Level::INFO),
    }
}

/// A time as Lambda believes it in a line (docs: Log-level filtering).
pub(super) fn timestamp(time: OffsetDateTime) -> String {
    time.replace_millisecond(time.millisecond()).unwrap_or(time).format(&Rfc3339).unwrap_or_default()
}

/// Writes events as JSON. Spans are not asked for: keeping their fields ready for a line that mostly never comes took
/// 7,000 instructions of each invocation, and all that they said was the request's id.
struct Json;

impl<S: Subscriber> Layer<S> for Json {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if let Ok(line) = line(event) {
            // One call for the whole line, and nobody to tell where nobody reads, as for an invocation's own line.
            let _ = std::io::stdout().lock().write_all(&line);
        }
    }
}

fn line(event: &Event<'_>) -> serde_json::Result<Vec<u8>> {
    let mut line = Vec::with_capacity(512);
    let mut serializer = serde_json::Serializer::new(&mut line);
    let mut members = serializer.serialize_map(None)?;
    members.serialize_entry("timestamp", &timestamp(OffsetDateTime::now_utc()))?;
    members.serialize_entry("level", event.metadata().level().as_str())?;
    if let Some(id) = record::request_id() {
        members.serialize_entry("request_id", &id)?;
    }
    let mut fields = SerdeMapVisitor::new(members);
    event.record(&mut fields);
    fields.take_serializer()?.end()?;
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};

    use super::*;
    use crate::telemetry::Record;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<Value>>>);

    impl<S: Subscriber> Layer<S> for Lines {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let line = line(event).expect("a line");
            self.0.lock().expect("the list").push(serde_json::from_slice(&line).expect("JSON"));
        }
    }

    #[tokio::test]
    async fn a_line_names_the_request_in_which_it_was_written() {
        let lines = Lines::default();
        let _guard = tracing::subscriber::set_default(registry().with(lines.clone()));
        tracing::warn!("outside");
        let record = Record::begin("request-1", None);
        record.observe(async { tracing::info!(count = 2, name = "a\nb", "found {}", 2) }).await;
        let mut lines = lines.0.lock().expect("the list").clone();
        for line in &mut lines {
            let time = line.as_object_mut().and_then(|line| line.remove("timestamp")).expect("a time");
            OffsetDateTime::parse(time.as_str().expect("text"), &Rfc3339).expect("RFC 3339");
        }
        let inside = json!({
            "level": "INFO", "request_id": "request-1", "message": "found 2", "count": 2, "name": "a\nb"
        });
        assert_eq!(lines, [json!({ "level": "WARN", "message": "outside" }), inside]);
    }

    #[test]
    fn levels_are_read_as_lambda_and_rust_write_them() {
        let enabled = |levels: &str, target: &str, level: &Level| targets(levels).would_enable(target, level);
        for (levels, level, written) in [
            ("", Level::INFO, true),
            ("", Level::DEBUG, false),
            ("WARN", Level::INFO, false),
            ("FATAL", Level::ERROR, true),
            ("FATAL", Level::WARN, false),
            ("debug", Level::DEBUG, true),
            ("what,is=this?", Level::INFO, true),
            ("sqlx=debug", Level::INFO, true),
        ] {
            assert_eq!(enabled(levels, "shared::redis", &level), written, "{levels} {level}");
        }
        assert!(enabled("info,shared::redis=debug", "shared::redis::guard", &Level::DEBUG));
        assert!(!enabled("info,shared::redis=debug", "shared::cache", &Level::DEBUG));
    }
}
