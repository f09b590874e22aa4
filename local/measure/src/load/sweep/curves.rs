//! Curves over the number of users, one for each program.

use super::super::answers::Summary;
use super::super::processors::Who;
use super::super::run::Run;
use super::super::text::count;
use super::Sweep;
use super::text::{by_users, program};
use cloud::figures::{float, milliseconds, thousands};
use cloud::service::Service;
use stats::chart::{Band, Chart, Series};

/// How finely the axis of users is divided. Runs stand at the nearest of these places, and lines lead from one to the
/// next: a chart has its values at equal distances.
const PLACES: u32 = 240;

/// Something that is seen of each run, and its name.
type Value<'v> = (&'v str, &'v dyn Fn(&Run) -> f64);

/// The runs of all programs on one axis.
pub(super) struct Curves<'a> {
    sweeps: &'a [Sweep],
    least: u64,
    most: u64,
}

impl<'a> Curves<'a> {
    pub(super) fn new(sweeps: &'a [Sweep]) -> Self {
        let users = || sweeps.iter().flat_map(|sweep| &sweep.runs).map(|run| run.users);
        Self { sweeps, least: users().min().unwrap_or_default(), most: users().max().unwrap_or_default() }
    }

    /// How far from the left that many users stand, from 0 to 1.
    fn share(&self, users: u64) -> f64 {
        float(users - self.least) / float((self.most - self.least).max(1))
    }

    /// All of them.
    pub(super) fn charts(&self) -> Vec<String> {
        let mut charts = vec![
            self.chart(
                "Time to the answer",
                "ms, logarithmic",
                "From when a request was due to its answer. 99 of 100 are to be answered within 250 ms.",
                self.of_each(&[
                    ("p50", &|run| milliseconds(Summary::of(run.answers.iter()).p50)),
                    ("p99", &|run| milliseconds(Summary::of(run.answers.iter()).p99)),
                ]),
            ),
            self.chart(
                "Errors",
                "% of the requests",
                "Anything but an answer as it should be, and the limiter's 429.",
                self.of_each(&[("errors", &|run| {
                    let all = Summary::of(run.answers.iter());
                    100.0 * count(all.errors) / count(all.requests).max(1.0)
                })]),
            ),
            self.chart(
                "Processors",
                "busy on average",
                "The whole machine, and what of it the functions took.",
                self.of_each(&[
                    ("the whole machine", &|run| run.busy().machine),
                    ("functions", &|run| run.busy().with(Who::Service(Service::Functions))),
                ]),
            ),
        ];
        charts.extend(self.sweeps.iter().map(|sweep| self.with_whom(sweep)));
        charts
    }

    fn with_whom(&self, sweep: &Sweep) -> String {
        let title = format!("Processors by service: {}", program(sweep.node.as_deref()));
        let with = |who: Who| self.curve(sweep, who.name().to_owned(), &|run| run.busy().with(who));
        let mut series: Vec<_> = Who::DRAWN.map(with).into();
        series.push(self.curve(sweep, "all others".to_owned(), &|run| run.busy().with_others()));
        self.chart(&title, "busy on average", "", series)
    }

    fn chart(&self, title: &str, unit: &str, about: &str, series: Vec<Series>) -> String {
        let [least, most] = [self.least, self.most].map(|users| format!("{} users", thousands(users)));
        let labels = if self.least == self.most { ["", &most] } else { [least.as_str(), &most] };
        let logarithmic = unit.ends_with("logarithmic");
        Chart { title, unit, about, labels, bands: &self.bands(), logarithmic, series }.svg()
    }

    /// Between which numbers each program's ceiling lies.
    fn bands(&self) -> Vec<Band> {
        let band = |sweep: &Sweep| {
            let ceiling = sweep.ceiling()?;
            let (from, to) = (ceiling.holds().max(self.least), ceiling.gives_out()?);
            let name = format!("{}: the ceiling", program(sweep.node.as_deref()));
            Some(Band { name, from: self.share(from), to: self.share(to) })
        };
        self.sweeps.iter().filter_map(band).collect()
    }

    /// These values of every program.
    fn of_each(&self, values: &[Value<'_>]) -> Vec<Series> {
        let of = |sweep: &'a Sweep| {
            values.iter().map(move |(name, value)| {
                self.curve(sweep, format!("{name}, {}", program(sweep.node.as_deref())), value)
            })
        };
        self.sweeps.iter().flat_map(of).collect()
    }

    fn curve(&self, sweep: &Sweep, name: String, value: &dyn Fn(&Run) -> f64) -> Series {
        let places = if self.least == self.most { 0 } else { PLACES };
        let place = |run: &Run| (self.share(run.users) * f64::from(places)).round();
        let steps: Vec<_> = by_users(sweep).into_iter().map(|run| (place(run), value(run))).collect();
        let points = (0..=places).map(|place| at(&steps, f64::from(place)));
        Series { name, points: points.collect() }
    }
}

/// The height of a line through these steps, from the left to the right; none beyond its ends.
fn at(steps: &[(f64, f64)], place: f64) -> Option<f64> {
    let next = steps.iter().position(|step| step.0 >= place)?;
    let (right, above) = steps[next];
    if right <= place {
        return Some(above);
    }
    let (left, below) = steps[next.checked_sub(1)?];
    Some(below + (above - below) * (place - left) / (right - left))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NODE, sweep};
    use super::*;

    #[test]
    fn a_line_leads_from_step_to_step_and_not_beyond_them() {
        let steps = [(1.0, 10.0), (3.0, 30.0), (3.0, 40.0), (4.0, 0.0)];
        let line: Vec<_> = (0..6).map(|place| at(&steps, f64::from(place))).collect();
        assert_eq!(line, [None, Some(10.0), Some(20.0), Some(30.0), Some(0.0), None]);
        assert_eq!(at(&[], 1.0), None);
    }

    #[test]
    fn users_stand_on_one_axis_for_both_programs_and_a_band_shows_each_ceiling() {
        let sweeps = [sweep(None, 900), sweep(Some(NODE), 300)];
        let curves = Curves::new(&sweeps);
        assert_eq!((curves.least, curves.most), (250, 1_000));
        let bands: Vec<_> = curves.bands().into_iter().map(|band| (band.name, band.from, band.to)).collect();
        let share = |users: f64| (users - 250.0) / 750.0;
        assert_eq!(bands[0], ("ours: the ceiling".to_owned(), share(875.0), share(937.0)));
        assert_eq!(bands[1].0, "Node.js v22.11.0: the ceiling");
        // Node.js was not tried with more than 500.
        let line = curves.curve(&sweeps[1], String::new(), &|run| float(run.users)).points;
        assert_eq!((line[0], line[80], line[81]), (Some(250.0), Some(500.0), None));
    }

    #[test]
    fn one_number_of_users_is_a_dot_for_each_program() {
        let mut sweeps = [sweep(None, 500), sweep(Some(NODE), 500)];
        for sweep in &mut sweeps {
            sweep.runs.truncate(1);
        }
        let chart = &Curves::new(&sweeps).charts()[0];
        assert_eq!(chart.matches("<circle").count(), 4, "{chart}");
    }
}
