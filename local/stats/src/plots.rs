//! The plots of the functions' log: requests, percentiles, waits, cache, what was refused; and of what was seen beside
//! it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use shared::telemetry::{Counter, Timer};
use time::OffsetDateTime;

use crate::chart::{Band, COLOURS, Chart, Series};
use crate::moments::{COUNTS, Moment, Moments, Standing, WAITS};
use crate::summary::{Percentiles, ratio};

/// What is drawn in one figure: its title, its unit, its lines.
type Figure = (&'static str, &'static str, Vec<Series>);

/// The plots of the last minutes, as figures for a page that has [`STYLE`](crate::chart::STYLE). `bands` makes what is
/// shaded in each of the two ends of the time shown.
pub fn plots(
    moments: &Moments,
    now: OffsetDateTime,
    bands: impl FnOnce(OffsetDateTime, OffsetDateTime) -> Vec<Band>,
) -> Vec<String> {
    let (began, shown) = moments.shown(now);
    let bands = bands(began, now);
    let (from, to) = (clock(began), clock(now));
    let shown = Shown { moments: shown, seconds: moments.width().cast_unsigned() };
    let figures = shown.figures().into_iter().chain(beside_requests(&moments.stood(began, now)));
    // What nobody has looked at is not drawn.
    let figures = figures.filter(|(.., series)| !series.is_empty());
    let draw = |(title, unit, series)| {
        let labels = [from.as_str(), to.as_str()];
        Chart { title, unit, about: "", labels, bands: &bands, logarithmic: false, series }.svg()
    };
    figures.map(draw).collect()
}

/// The moments that are drawn, each of so many seconds.
struct Shown {
    moments: Vec<Moment>,
    seconds: u64,
}

impl Shown {
    fn figures(&self) -> [Figure; 7] {
        let hits =
            |moment: &Moment| ratio(count(Counter::CacheHit, moment), count(Counter::CacheMiss, moment));
        [
            ("Requests", "a second", self.requests()),
            ("Latency", "ms, all routes", self.latency()),
            ("Time spent waiting", "ms, p95", self.waits()),
            ("Latency by route", "ms, p50", self.by_route(|percentiles| percentiles.p50)),
            ("Latency by route", "ms, p95", self.by_route(|percentiles| percentiles.p95)),
            ("Cache", "% hits", vec![self.line("hits", hits)]),
            ("Refused and degraded", "count", self.refused()),
        ]
    }

    fn requests(&self) -> Vec<Series> {
        vec![self.rate("all", |moment| moment.requests), self.rate("5xx, failed", |moment| moment.failed)]
    }

    fn latency(&self) -> Vec<Series> {
        vec![
            self.percentile("p50", |percentiles| percentiles.p50),
            self.percentile("p95", |percentiles| percentiles.p95),
            self.percentile("p99", |percentiles| percentiles.p99),
        ]
    }

    fn waits(&self) -> Vec<Series> {
        vec![
            self.wait("Postgres", Timer::DatabaseTime),
            self.wait("Redis", Timer::RedisTime),
            self.wait("another's fill", Timer::CacheWait),
            self.wait("payment provider", Timer::ProviderTime),
        ]
    }

    fn refused(&self) -> Vec<Series> {
        vec![
            self.sum("rate limited", Counter::RateLimited),
            self.sum("without Redis", Counter::RedisAway),
            self.sum("denied by the breaker", Counter::BreakerDenied),
            self.sum("deferred orders", Counter::DeferredOrders),
        ]
    }

    fn line(&self, name: &str, value: impl Fn(&Moment) -> Option<f64>) -> Series {
        Series { name: name.to_owned(), points: self.moments.iter().map(value).collect() }
    }

    fn rate(&self, name: &str, requests: fn(&Moment) -> u32) -> Series {
        self.line(name, |moment| Some(f64::from(requests(moment)) / float(self.seconds)))
    }

    fn percentile(&self, name: &str, of: fn(Percentiles) -> f64) -> Series {
        self.line(name, |moment| moment.latency.map(of))
    }

    fn wait(&self, name: &str, timer: Timer) -> Series {
        self.line(name, |moment| value(WAITS, &timer, moment.waits).flatten())
    }

    fn sum(&self, name: &str, counter: Counter) -> Series {
        self.line(name, |moment| Some(float(count(counter, moment))))
    }

    fn by_route(&self, of: fn(&Percentiles) -> f64) -> Vec<Series> {
        let of_route =
            |name: &String, moment: &Moment| moment.routes.get(name).map(|(_, percentiles)| of(percentiles));
        let routes = busiest(&self.moments);
        routes.iter().map(|name| self.line(name, |moment| of_route(name, moment))).collect()
    }
}

/// What was seen beside the functions' log.
fn beside_requests(stood: &[Standing]) -> [Figure; 2] {
    [
        ("Connections", "count", seen(stood, |standing| &standing.connections)),
        ("Queues", "count", seen(stood, |standing| &standing.queues)),
    ]
}

fn count(counter: Counter, moment: &Moment) -> u64 {
    value(COUNTS, &counter, moment.counts).unwrap_or_default()
}

/// The routes with the most requests, as many as there are colours: more lines nobody could tell apart.
fn busiest(shown: &[Moment]) -> Vec<String> {
    let mut requests: BTreeMap<&String, usize> = BTreeMap::new();
    for (name, (number, _)) in shown.iter().flat_map(|moment| &moment.routes) {
        *requests.entry(name).or_default() += number;
    }
    let mut routes: Vec<_> = requests.into_iter().collect();
    routes.sort_by_key(|(_, number)| Reverse(*number));
    let mut busiest: Vec<_> = routes.into_iter().take(COLOURS).map(|(name, _)| name.clone()).collect();
    // A route that overtakes another keeps its colour.
    busiest.sort();
    busiest
}

/// A line for each name that was seen.
fn seen(stood: &[Standing], of: fn(&Standing) -> &Vec<(String, u64)>) -> Vec<Series> {
    let mut names: Vec<&String> = stood.iter().flat_map(of).map(|(name, _)| name).collect();
    names.sort();
    names.dedup();
    let line = |name: &String| {
        let point =
            |standing| of(standing).iter().find(|(other, _)| other == name).map(|(_, number)| float(*number));
        Series { name: name.clone(), points: stood.iter().map(point).collect() }
    };
    names.into_iter().map(line).collect()
}

/// The time of day.
pub(crate) fn clock(moment: OffsetDateTime) -> String {
    format!("{:02}:{:02}:{:02}", moment.hour(), moment.minute(), moment.second())
}

/// What belongs to `key`.
fn value<K: PartialEq, V, const N: usize>(keys: [K; N], key: &K, values: [V; N]) -> Option<V> {
    keys.into_iter().zip(values).find(|(other, _)| other == key).map(|(_, value)| value)
}

fn float(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sample;

    fn drawn(standing: Option<Standing>) -> String {
        let (mut moments, now) = (Moments::new(15), OffsetDateTime::UNIX_EPOCH);
        for route in ["GET /quiet", "GET /a", "GET /b", "GET /c", "GET /d", "GET /e", "GET /f", "GET /g"] {
            for _ in 0..(if route == "GET /quiet" { 1 } else { 2 }) {
                let line = format!(
                    r#"{{"timestamp":"1970-01-01T00:00:00Z","Route":"{route}","StatusClass":"2xx","Latency":1,"_aws":{{}}}}"#
                );
                moments.add(&Sample::read(&line).expect("a line of ours"));
            }
        }
        if let Some(standing) = standing {
            moments.note(now, standing);
        }
        plots(&moments, now, |_, _| Vec::new()).concat()
    }

    #[test]
    fn the_busiest_routes_have_lines_of_their_own() {
        let drawn = drawn(None);
        assert!(drawn.contains("GET /a") && drawn.contains("GET /g") && !drawn.contains("GET /quiet"));
    }

    #[test]
    fn what_was_seen_is_drawn_and_what_nobody_looked_at_is_not() {
        let queues = vec![("deferred-charges".to_owned(), 3)];
        let drawn_of = drawn(Some(Standing { connections: vec![], queues }));
        assert!(drawn_of.contains("deferred-charges") && !drawn_of.contains("Connections"));
        assert!(!drawn(None).contains("Queues"));
    }
}
