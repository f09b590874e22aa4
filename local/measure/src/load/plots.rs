//! A run as plots over time.

use std::time::Duration;

use shared::breaker::Phase;
use shared::telemetry::Counter;

use super::answers::{Answered, Summary, status_name};
use super::outages::Outage;
use super::processors::Who;
use super::run::Run;
use super::text::count;
use super::watch::Moment;
use cloud::figures::{float, milliseconds};
use cloud::progress::seconds;
use stats::chart::{Band, Chart, Series};

/// The run, cut into moments.
pub(super) struct Plots<'a> {
    run: &'a Run,
    /// The answers to what was due in each moment.
    answers: Vec<Vec<&'a Answered>>,
    /// Seconds of each moment.
    spans: Vec<f64>,
    bands: Vec<Band>,
    end: String,
}

impl<'a> Plots<'a> {
    pub(super) fn new(run: &'a Run) -> Self {
        let mut answers: Vec<Vec<&Answered>> = run.moments.iter().map(|_| Vec::new()).collect();
        for answered in &run.answers {
            // The last requests were answered after the last look.
            let moment = run.moments.partition_point(|moment| moment.at < answered.at);
            if let Some(answers) = answers.get_mut(moment) {
                answers.push(answered);
            }
        }
        let end = run.moments.last().map_or(run.length, |moment| moment.at);
        let before = std::iter::once(Duration::ZERO).chain(run.moments.iter().map(|moment| moment.at));
        let spans = run.moments.iter().zip(before);
        let spans = spans.map(|(moment, before)| moment.at.saturating_sub(before).as_secs_f64().max(0.001));
        let mut plots = Self { run, answers, spans: spans.collect(), bands: Vec::new(), end: seconds(end) };
        let band = |outage: &Outage| {
            let (from, to) = (plots.share(outage.from), plots.share(outage.to));
            Band { name: outage.name().to_owned(), from, to }
        };
        plots.bands = run.outages.iter().map(band).collect();
        plots
    }

    /// How far into the run that is, from 0 to 1.
    fn share(&self, at: Duration) -> f64 {
        let end = self.run.moments.last().map_or(self.run.length, |moment| moment.at);
        (at.as_secs_f64() / end.as_secs_f64().max(1.0)).min(1.0)
    }

    fn chart(&self, title: &str, unit: &str, about: &str, series: Vec<Series>) -> String {
        let (labels, bands) = (["0", self.end.as_str()], &self.bands);
        Chart { title, unit, about, labels, bands, logarithmic: false, series }.svg()
    }

    /// A value of the answers of each moment.
    fn of_answers(&self, name: &str, value: impl Fn(&Summary) -> f64) -> Series {
        let of = |answers: &Vec<&Answered>| {
            (!answers.is_empty()).then(|| value(&Summary::of(answers.iter().copied())))
        };
        Series { name: name.to_owned(), points: self.answers.iter().map(of).collect() }
    }

    /// A value of each look.
    fn of_moments(&self, name: &str, value: impl Fn(&Moment) -> Option<f64>) -> Series {
        Series { name: name.to_owned(), points: self.run.moments.iter().map(value).collect() }
    }

    /// Something that the functions' log counts, a second.
    fn rate(&self, name: &str, counter: Counter) -> Series {
        let moments = self.run.moments.iter().zip(&self.spans);
        let points = moments.map(|(moment, span)| Some(float(moment.count(counter)) / span));
        Series { name: name.to_owned(), points: points.collect() }
    }

    /// All of them.
    pub(super) fn charts(&self) -> Vec<String> {
        let mut charts = vec![self.throughput(), self.times(), self.statuses()];
        charts.extend([self.limiter(), self.breaker(), self.orders(), self.cache()]);
        charts.extend([self.connections(), self.memory(), self.processors()]);
        charts
    }

    fn throughput(&self) -> String {
        let points =
            self.answers.iter().zip(&self.spans).map(|(answers, span)| Some(count(answers.len()) / span));
        let series = vec![Series { name: "requests that were due".to_owned(), points: points.collect() }];
        self.chart("Requests", "a second", "What was asked of the shop. No answer changes it.", series)
    }

    fn times(&self) -> String {
        let about = "From when a request was due to its answer. 99 of 100 are to be answered within 250 ms.";
        let series = vec![
            self.of_answers("p50", |summary| milliseconds(summary.p50)),
            self.of_answers("p95", |summary| milliseconds(summary.p95)),
            self.of_answers("p99", |summary| milliseconds(summary.p99)),
        ];
        let (title, unit, labels) = ("Time to the answer", "ms, logarithmic", ["0", self.end.as_str()]);
        Chart { title, unit, about, labels, bands: &self.bands, logarithmic: true, series }.svg()
    }

    fn statuses(&self) -> String {
        let about =
            "200 and 201 are as they should be; 202 is an order that is charged later; 429 is the limiter's.";
        let all = Summary::of(self.run.answers.iter());
        let series = all.by_status.keys().map(|status| {
            self.of_answers(&status_name(*status), |summary| {
                100.0 * count(summary.with_status(*status)) / count(summary.requests).max(1.0)
            })
        });
        self.chart("Answers by status", "% of the requests", about, series.collect())
    }

    fn limiter(&self) -> String {
        let about = "Checked without Redis: by a stricter limiter in the environment itself.";
        let series = vec![
            self.rate("allowed", Counter::RateAllowed),
            self.rate("refused", Counter::RateLimited),
            self.rate("checked without Redis", Counter::RateDegraded),
        ];
        self.chart("Rate limiter", "checks a second", about, series)
    }

    fn breaker(&self) -> String {
        let about = "The payment provider's. While it is open, checkout does not ask the provider: it places the order and \
                     answers 202. Half-open, a few calls find out whether the provider is back.";
        let series = vec![
            self.rate("let through", Counter::BreakerAllowed),
            self.rate("probes", Counter::BreakerProbed),
            self.rate("denied", Counter::BreakerDenied),
            self.rate("failed", Counter::BreakerFailed),
            self.rate("held back: over the provider's limit", Counter::ProviderHeldBack),
            self.rate("refused by the provider as too many", Counter::ProviderLimited),
        ];
        let bands = &[self.bands.clone(), self.breaker_states()].concat();
        let (title, unit, labels) = ("Circuit breaker", "calls a second", ["0", self.end.as_str()]);
        Chart { title, unit, about, labels, bands, logarithmic: false, series }.svg()
    }

    /// When the breaker was open, and half-open.
    fn breaker_states(&self) -> Vec<Band> {
        let looks = self.run.moments.iter().map(|moment| (self.share(moment.at), moment.breaker));
        let mut bands: Vec<(Phase, Band)> = Vec::new();
        let mut before = Some(Phase::Closed);
        for (at, phase) in looks {
            match (phase, bands.last_mut()) {
                (Some(phase), Some((_, band))) if before == Some(phase) && phase != Phase::Closed => {
                    band.to = at;
                }
                (Some(phase @ (Phase::Open | Phase::HalfOpen)), _) => {
                    let name = if phase == Phase::Open { "breaker open" } else { "half-open" };
                    bands.push((phase, Band { name: name.to_owned(), from: at, to: at }));
                }
                _ => {}
            }
            before = phase;
        }
        bands.into_iter().map(|(_, band)| band).collect()
    }

    fn orders(&self) -> String {
        let about = "Orders whose next step is due or under way. Those that were put off are charged by the queue's worker and \
                     the sweeper once the provider is back.";
        let waiting = |moment: &Moment| moment.unfinished.map(float);
        self.chart("Unfinished orders", "", about, vec![self.of_moments("orders", waiting)])
    }

    fn cache(&self) -> String {
        let about = "Products, the featured list and searches that needed no statement. It begins empty, and is empty after \
                     Redis was away.";
        let hits = |moment: &Moment| {
            let (hits, misses) = (moment.count(Counter::CacheHit), moment.count(Counter::CacheMiss));
            (hits + misses > 0).then(|| 100.0 * float(hits) / float(hits + misses))
        };
        self.chart("Cache", "% hits", about, vec![self.of_moments("hits", hits)])
    }

    fn connections(&self) -> String {
        let about = "Connections that Postgres has for all functions together, through PgBouncer. At most 20 are allowed.";
        let used = |moment: &Moment| moment.connections.map(float);
        self.chart("Server connections of Postgres", "", about, vec![self.of_moments("connections", used)])
    }

    fn memory(&self) -> String {
        let about = "An environment is a process of a function; one is started when a request finds none idle, and stays. What \
                     each takes must not grow.";
        let environments = |moment: &Moment| Some(count(moment.environments()));
        let one = |moment: &Moment| {
            (moment.environments() > 0).then(|| moment.megabytes() / count(moment.environments()))
        };
        let series = vec![
            self.of_moments("all environments, MB", |moment| Some(moment.megabytes())),
            self.of_moments("environments", environments),
            self.of_moments("one environment on average, MB", one),
        ];
        self.chart("Memory of the functions", "resident", about, series)
    }

    fn processors(&self) -> String {
        let about = "Where the machine's time goes. As long as the whole machine has time left, neither the shop nor whoever \
                     asks it is the limit.";
        let with = |who: Who| self.of_moments(who.name(), move |moment| Some(moment.busy.with(who)));
        let mut series = vec![self.of_moments("the whole machine", |moment| Some(moment.busy.machine))];
        series.extend(Who::DRAWN.map(with));
        series.push(self.of_moments("all others", |moment| Some(moment.busy.with_others())));
        self.chart("Processors", "busy", about, series)
    }
}
