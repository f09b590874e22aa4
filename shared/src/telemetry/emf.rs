//! A record as one line of JSON: a log line, and in it metrics in CloudWatch's embedded metric format.
//!
//! [The format](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html)
//! names, under `_aws`, which members of the line are metrics. Latency has the dimensions route and status class; all
//! others have none, because each combination of dimensions is a metric that is paid for. Ids are members and no
//! metrics; so is what nobody draws or watches, and the latency of what Lambda measures itself.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use serde::ser::{Error, SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use time::OffsetDateTime;

use super::log::timestamp;
use super::{Counter, Gauge, Outcome, Record, Timer, trace_id};

impl Record {
    /// Writes the invocation's line to standard output, with its metrics.
    pub fn write(&self, outcome: &Outcome<'_>) {
        let line = line(self, outcome);
        // One call for the whole line, so that lines of several environments do not mix. Where nobody reads there is
        // nobody to tell.
        let _ = std::io::stdout().lock().write_all(&line);
    }
}

/// The line, its end included.
fn line(record: &Record, outcome: &Outcome<'_>) -> Vec<u8> {
    let mut line = Vec::with_capacity(1536);
    // Text and numbers under text keys cannot fail to become JSON.
    if serde_json::to_writer(&mut line, &Line { record, outcome, now: OffsetDateTime::now_utc() }).is_err() {
        line.clear();
    }
    line.push(b'\n');
    line
}

struct Line<'a> {
    record: &'a Record,
    outcome: &'a Outcome<'a>,
    now: OffsetDateTime,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { record, outcome, now } = self;
        let mut line = serializer.serialize_map(None)?;
        line.serialize_entry("timestamp", &timestamp(*now))?;
        line.serialize_entry("level", "INFO")?;
        line.serialize_entry("message", &format_args!("{} {}", outcome.route, outcome.words))?;
        line.serialize_entry("service", &names().service)?;
        line.serialize_entry("request_id", record.request_id())?;
        if let Some(id) = record.trace_header().and_then(trace_id) {
            line.serialize_entry("trace_id", id)?;
        }
        line.serialize_entry("Route", outcome.route)?;
        line.serialize_entry("StatusClass", outcome.class)?;
        if let Some(status) = outcome.status {
            line.serialize_entry("status", &status)?;
        }
        line.serialize_entry(LATENCY, &milliseconds(record.elapsed()))?;
        for (member, value) in members(record) {
            match value {
                Value::Whole(value) => line.serialize_entry(member.name, &value)?,
                Value::Waited(value) => line.serialize_entry(member.name, &milliseconds(value))?,
            }
        }
        line.serialize_entry("_aws", &Directives { record, outcome, now: *now })?;
        line.end()
    }
}

/// What tells CloudWatch which members are metrics.
struct Directives<'a> {
    record: &'a Record,
    outcome: &'a Outcome<'a>,
    now: OffsetDateTime,
}

impl Serialize for Directives<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut aws = serializer.serialize_map(Some(2))?;
        aws.serialize_entry("Timestamp", &(self.now.unix_timestamp_nanos() / 1_000_000))?;
        let directives = directives(self.record, self.outcome).map_err(S::Error::custom)?;
        aws.serialize_entry("CloudWatchMetrics", &directives)?;
        aws.end()
    }
}

/// The same text for all lines with the same metrics, so it is kept: an environment sees a handful of such sets.
fn directives(record: &Record, outcome: &Outcome<'_>) -> serde_json::Result<Arc<RawValue>> {
    static KNOWN: Mutex<BTreeMap<(bool, u64), Arc<RawValue>>> = Mutex::new(BTreeMap::new());
    let is_timed = !is_measured_by_lambda(outcome);
    let set = (is_timed, metrics(record).fold(0, |set, metric| set | 1 << metric.number));
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(directives) = known.get(&set) {
        return Ok(Arc::clone(directives));
    }
    let of_the_route = Directive {
        dimensions: &["Route", "StatusClass"],
        metrics: &[Member { name: LATENCY, unit: MILLISECONDS, number: 0, is_metric: true }],
    };
    let of_all = Directive { dimensions: &[], metrics: &Present(record) };
    let text = if is_timed { to_raw_value(&(of_the_route, of_all)) } else { to_raw_value(&[of_all]) };
    let directives: Arc<RawValue> = text?.into();
    known.insert(set, Arc::clone(&directives));
    Ok(directives)
}

/// How often a function without a route did its work, and how long that took, is a metric of Lambda's own, for which
/// nothing is paid. What fails stands beside the failures of routes.
fn is_measured_by_lambda(outcome: &Outcome<'_>) -> bool {
    outcome.class == "ok"
}

struct Directive<'a, M> {
    dimensions: &'a [&'a str],
    metrics: &'a M,
}

impl<M: Serialize> Serialize for Directive<'_, M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut directive = serializer.serialize_map(Some(3))?;
        directive.serialize_entry("Namespace", &names().namespace)?;
        directive.serialize_entry("Dimensions", &[self.dimensions])?;
        directive.serialize_entry("Metrics", self.metrics)?;
        directive.end()
    }
}

/// The metrics that this record has a value of.
struct Present<'a>(&'a Record);

impl Serialize for Present<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for metric in metrics(self.0) {
            list.serialize_element(&metric)?;
        }
        list.end()
    }
}

const LATENCY: &str = "Latency";
const MILLISECONDS: &str = "Milliseconds";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Member {
    name: &'static str,
    unit: &'static str,
    /// Tells it apart in a set.
    #[serde(skip)]
    number: usize,
    #[serde(skip)]
    is_metric: bool,
}

const _: () = assert!(Counter::ALL.len() + Timer::ALL.len() + Gauge::ALL.len() <= 64, "a set is a u64");

enum Value {
    Whole(u64),
    Waited(Duration),
}

/// Those members that are metrics.
fn metrics(record: &Record) -> impl Iterator<Item = Member> {
    members(record).map(|(member, _)| member).filter(|member| member.is_metric)
}

/// What did not happen is left out: the line is shorter, and a metric nobody ever counted costs nothing.
fn members(record: &Record) -> impl Iterator<Item = (Member, Value)> {
    let counters = Counter::ALL.iter().filter_map(|counter| {
        let (count, number) = (record.count_of(*counter), *counter as usize);
        let is_metric = !counter.is_no_metric();
        let member = Member { name: counter.name(), unit: "Count", number, is_metric };
        (count > 0).then_some((member, Value::Whole(count.into())))
    });
    let timers = Timer::ALL.iter().filter_map(|timer| {
        let number = Counter::ALL.len() + *timer as usize;
        let member = Member { name: timer.name(), unit: MILLISECONDS, number, is_metric: true };
        Some((member, Value::Waited(record.time_of(*timer)?)))
    });
    let gauges = Gauge::ALL.iter().filter_map(|gauge| {
        let number = Counter::ALL.len() + Timer::ALL.len() + *gauge as usize;
        let member = Member { name: gauge.name(), unit: gauge.unit(), number, is_metric: true };
        Some((member, Value::Whole(record.value_of(*gauge)?)))
    });
    counters.chain(timers).chain(gauges)
}

/// To the microsecond: more digits would be noise.
fn milliseconds(time: Duration) -> f64 {
    u32::try_from(time.as_micros()).map_or(time.as_secs_f64() * 1e3, |micros| f64::from(micros) / 1e3)
}

/// What Lambda people call these settings.
struct Names {
    service: String,
    namespace: String,
}

fn names() -> &'static Names {
    static NAMES: OnceLock<Names> = OnceLock::new();
    NAMES.get_or_init(|| Names {
        service: std::env::var("POWERTOOLS_SERVICE_NAME").unwrap_or_else(|_| "millrace".to_owned()),
        namespace: std::env::var("POWERTOOLS_METRICS_NAMESPACE").unwrap_or_else(|_| "Millrace".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};
    use time::format_description::well_known::Rfc3339;

    use super::*;
    use crate::telemetry::{add, count, set, time};

    async fn line_of_a_request() -> Json {
        let words = "answered 200";
        line_of(&Outcome { route: "GET /api/\"x\"", class: "2xx", status: Some(200), words }).await
    }

    async fn line_of(outcome: &Outcome<'_>) -> Json {
        let record =
            Record::begin("a\nb", Some("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1".to_owned()));
        let work = async {
            count(Counter::CacheHit);
            add(Counter::RedisRoundTrips, 2);
            time(Timer::RedisTime, Duration::from_micros(1_250));
            set(Gauge::OldestUnfinishedOrder, 0);
        };
        record.observe(work).await;
        let line = line(&record, outcome);
        let line = String::from_utf8(line).expect("text");
        assert_eq!(line.matches('\n').count(), 1, "one line, whatever is in it");
        serde_json::from_str(&line).expect("JSON")
    }

    #[tokio::test]
    async fn a_line_says_what_happened() {
        let line = line_of_a_request().await;
        for (name, value) in [
            ("level", Json::from("INFO")),
            ("message", "GET /api/\"x\" answered 200".into()),
            ("request_id", "a\nb".into()),
            ("trace_id", "1-5759e988-bd862e3fe1be46a994272793".into()),
            ("Route", "GET /api/\"x\"".into()),
            ("StatusClass", "2xx".into()),
            ("status", 200.into()),
            ("CacheHit", 1.into()),
            ("RedisRoundTrips", 2.into()),
            ("RedisTime", 1.25.into()),
            ("OldestUnfinishedOrder", 0.into()),
        ] {
            assert_eq!(line[name], value, "{name}");
        }
        assert_eq!(line.get("CacheMiss"), None, "what did not happen is left out");
        let time = line["timestamp"].as_str().expect("a time");
        OffsetDateTime::parse(time, &Rfc3339).expect("RFC 3339, or Lambda would not believe the level");
    }

    /// The rules of the specification that CloudWatch drops a record for, without a word.
    #[tokio::test]
    async fn every_metric_and_dimension_of_a_line_is_one_of_its_members() {
        let line = line_of_a_request().await;
        assert!(line["_aws"]["Timestamp"].as_u64().is_some_and(|time| time > 1_700_000_000_000));
        let mut seen = Vec::new();
        for directive in line["_aws"]["CloudWatchMetrics"].as_array().expect("directives") {
            assert_eq!(directive["Namespace"], "Millrace");
            let dimensions = directive["Dimensions"].as_array().expect("sets");
            assert_eq!(dimensions.len(), 1);
            for name in dimensions[0].as_array().expect("a set") {
                assert!(line[name.as_str().expect("a name")].is_string(), "{name}");
            }
            for metric in directive["Metrics"].as_array().expect("metrics") {
                let name = metric["Name"].as_str().expect("a name");
                assert!(line[name].is_number(), "{name}");
                assert!(["Count", "Milliseconds", "Seconds"].iter().any(|unit| metric["Unit"] == *unit));
                seen.push((name.to_owned(), dimensions[0].clone()));
            }
        }
        seen.retain(|(name, _)| name != "ColdStart");
        let expected = [
            ("Latency", &["Route", "StatusClass"][..]),
            ("CacheHit", &[]),
            ("RedisTime", &[]),
            ("OldestUnfinishedOrder", &[]),
        ];
        assert_eq!(
            seen,
            expected.map(|(name, dimensions)| (name.to_owned(), Json::from(dimensions.to_vec())))
        );
    }

    #[tokio::test]
    async fn the_latency_of_a_run_without_a_route_is_a_metric_where_it_failed() {
        for (class, directives) in [("ok", 1), ("failed", 2)] {
            let line = line_of(&Outcome { route: "order-sweeper", class, status: None, words: class }).await;
            assert!(line["Latency"].is_number(), "{line}");
            let written = line["_aws"]["CloudWatchMetrics"].as_array().expect("directives");
            assert_eq!(written.len(), directives, "{line}");
            let dimensions: Vec<_> = written.iter().map(|directive| &directive["Dimensions"][0]).collect();
            assert_eq!(dimensions.contains(&&json!(["Route", "StatusClass"])), class == "failed", "{line}");
        }
    }
}
