//! A run as a page: what held, tables, and plots over time, in one file that needs no other.

use std::fmt::Write;
use std::time::Duration;

use shared::breaker::Phase;
use shared::telemetry::Counter;

use super::answers::{Answered, Summary, status_name};
use super::outages::Outage;
use super::run::Run;
use super::text::{HEADINGS, count, headline, notes, rows};
use super::verdict::{Goal, float, goals, milliseconds};
use super::watch::Moment;
use crate::chart::{Band, Chart, STYLE, Series};
use crate::figures::{escape, machine};
use crate::progress::seconds;

/// The whole page.
pub(super) fn of(run: &Run, command: &str) -> String {
    let title = escape(&headline(run));
    let (date, hour, minute) = (run.begun.date(), run.begun.hour(), run.begun.minute());
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Millrace under load: {title}</title>\n\
         <style>{STYLE}</style>\n<h1>Millrace under load</h1>\n<p><strong>{title}</strong></p>\n\
         <p class=\"soft\">{}, begun {date}, {hour:02}:{minute:02} UTC, on {}.</p>\n<table><tr><th>goal<th style=\"text-align:left\">seen<th>\n",
        escape(command),
        escape(&machine()),
    );
    for Goal { promise, seen, holds } in goals(run) {
        let (class, word) = if holds { ("good", "holds") } else { ("bad", "does not hold") };
        let _ = writeln!(
            page,
            "<tr><td>{}<td style=\"text-align:left\">{}<td class=\"{class}\">{word}",
            escape(&promise),
            escape(&seen)
        );
    }
    let _ = write!(page, "</table>\n<table><tr><th>{}", HEADINGS.join("<th>"));
    for row in rows(run) {
        let _ = write!(page, "\n<tr><td>{}", row.map(|cell| escape(&cell)).join("<td>"));
    }
    page += "</table>\n<dl>";
    for (label, note) in notes(run) {
        let _ = write!(page, "<dt>{label}<dd>{}", escape(&note));
    }
    page += "</dl>\n<p class=\"soft\">Every request has a moment at which it is due, decided before the first is sent (a Poisson \
             process; a user thinks for ten seconds on average). It is sent then, whether those before it are answered or not, \
             and its time counts from that moment to its answer: a shop that falls behind cannot hide it. Each user has an \
             address of its own; wanted products follow Zipf's law.";
    if !run.outages.is_empty() {
        page += " Shaded: a service was taken away and brought back.";
    }
    page += "</p>\n";
    for chart in Plots::new(run).charts() {
        page += &chart;
        page.push('\n');
    }
    page + "</html>\n"
}

/// The run, cut into moments.
struct Plots<'a> {
    run: &'a Run,
    /// The answers to what was due in each moment.
    answers: Vec<Vec<&'a Answered>>,
    bands: Vec<Band>,
    end: String,
}

impl<'a> Plots<'a> {
    fn new(run: &'a Run) -> Self {
        let mut answers: Vec<Vec<&Answered>> = run.moments.iter().map(|_| Vec::new()).collect();
        for answered in &run.answers {
            // The last requests were answered after the last look.
            let moment = run.moments.partition_point(|moment| moment.at < answered.at);
            if let Some(answers) = answers.get_mut(moment) {
                answers.push(answered);
            }
        }
        let end = run.moments.last().map_or(run.length, |moment| moment.at);
        let mut plots = Self { run, answers, bands: Vec::new(), end: seconds(end) };
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
        let logarithmic = unit.ends_with("logarithmic");
        Chart { title, unit, about, labels: ["0", &self.end], bands: &self.bands, logarithmic, series }.svg()
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
        let moments = &self.run.moments;
        let before = std::iter::once(Duration::ZERO).chain(moments.iter().map(|moment| moment.at));
        let points = moments.iter().zip(before).map(|(moment, before)| {
            Some(float(moment.count(counter)) / (moment.at - before).as_secs_f64().max(0.001))
        });
        Series { name: name.to_owned(), points: points.collect() }
    }

    fn charts(&self) -> Vec<String> {
        let mut charts = vec![self.throughput(), self.times(), self.statuses()];
        charts.extend([self.limiter(), self.breaker(), self.orders(), self.cache()]);
        charts.extend([self.connections(), self.memory(), self.processors()]);
        charts
    }

    fn throughput(&self) -> String {
        let moments = &self.run.moments;
        let before = std::iter::once(Duration::ZERO).chain(moments.iter().map(|moment| moment.at));
        let points = moments.iter().zip(before).zip(&self.answers).map(|((moment, before), answers)| {
            Some(count(answers.len()) / (moment.at - before).as_secs_f64().max(0.001))
        });
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
        self.chart("Time to the answer", "ms, logarithmic", about, series)
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
                    band.to = at
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
        let series = vec![
            self.of_moments("the whole machine", |moment| Some(moment.machine)),
            self.of_moments("functions", |moment| Some(moment.functions)),
            self.of_moments("customers and dispatcher", |moment| Some(moment.generator)),
        ];
        self.chart("Processors", "busy", about, series)
    }
}

#[cfg(test)]
mod tests {
    use super::super::journeys::Journey;
    use super::*;
    use crate::services::Service;

    #[test]
    fn a_page_needs_no_other_file_says_what_held_and_marks_outages() {
        let second = Duration::from_secs;
        let answered = |at: u64, status| Answered {
            at: second(at),
            journey: Journey::Checkout,
            status,
            took: Duration::from_millis(3),
            late: Duration::ZERO,
        };
        let run = Run {
            users: 12_000,
            length: second(10),
            answers: (0..10).map(|at| answered(at, if at == 5 { 500 } else { 200 })).collect(),
            moments: (1..=10).map(|at| Moment { at: second(at), ..Moment::default() }).collect(),
            outages: vec![Outage { service: Service::Redis, from: second(2), to: second(4) }],
            ..Run::default()
        };
        let page = of(&run, "./dev load --users 12000");
        assert!(
            page.contains("12,000 users")
                && page.contains("does not hold")
                && page.contains("1 errors in 10")
        );
        assert_eq!(page.matches("Redis away</text>").count(), page.matches("<figure>").count());
        for outside in ["http://", "https://", "<script", "<link", "src="] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
