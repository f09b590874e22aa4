//! The log: JSON lines, each of which names its request, and which levels are written.

use std::io::Write;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, registry};

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
    // Lambda says FATAL and WARN where tracing knows neither upper case nor FATAL. Nothing at all it would read as
    // error.
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
    let mut members = Members { map: serializer.serialize_map(None)?, names: Vec::new(), failed: None };
    members.add("timestamp", &timestamp(OffsetDateTime::now_utc()));
    members.add("level", event.metadata().level().as_str());
    if let Some(id) = record::request_id() {
        members.add("request_id", &id);
    }
    event.record(&mut members);
    members.end()?;
    line.push(b'\n');
    Ok(line)
}

/// The members of a line, no two of one name: of two, readers keep one, and which one is up to them. A field that is
/// called like what is there already gets an underscore behind its name.
struct Members<M: SerializeMap> {
    map: M,
    names: Vec<String>,
    failed: Option<M::Error>,
}

impl<M: SerializeMap> Members<M> {
    fn add(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        let mut name = name.to_owned();
        while self.names.contains(&name) {
            name.push('_');
        }
        if self.failed.is_none() {
            self.failed = self.map.serialize_entry(&name, value).err();
        }
        self.names.push(name);
    }

    fn end(self) -> Result<M::Ok, M::Error> {
        match self.failed {
            None => self.map.end(),
            Some(error) => Err(error),
        }
    }
}

impl<M: SerializeMap> Visit for Members<M> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.add(field.name(), &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field.name(), &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field.name(), &value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field.name(), &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field.name(), &value);
    }
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

    #[tokio::test]
    async fn no_field_takes_the_name_of_another() {
        #[derive(Clone, Default)]
        struct Texts(Arc<Mutex<Vec<String>>>);
        impl<S: Subscriber> Layer<S> for Texts {
            fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
                let line = String::from_utf8(line(event).expect("a line")).expect("UTF-8");
                self.0.lock().expect("the list").push(line);
            }
        }
        let texts = Texts::default();
        let _guard = tracing::subscriber::set_default(registry().with(texts.clone()));
        tracing::error!(message = "m-1", level = "high", timestamp = 7, level_ = true, "names no order");
        let text = texts.0.lock().expect("the list").remove(0);
        let line: Value = serde_json::from_str(&text).expect("JSON");
        let values: Vec<&Value> = line.as_object().expect("an object").values().collect();
        for value in [json!("m-1"), json!("high"), json!(7), json!(true), json!("names no order")] {
            assert!(values.contains(&&value), "{value} is in {text}");
        }
        assert_eq!((&line["level"], line["timestamp"].is_string()), (&json!("ERROR"), true));
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
