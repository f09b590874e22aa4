//! Which figures are shown, how, and beside what: one list for the table and the page.

use super::cost::of_a_million;
use super::pairs::{Pair, Spread};
use super::report::{Figures, Measured, Pairs};

/// One figure.
#[derive(Clone, Copy)]
pub(super) struct Column {
    /// Above the column of the table.
    pub(super) short: &'static str,
    /// Above the plot.
    pub(super) title: &'static str,
    pub(super) unit: &'static str,
    pub(super) decimals: usize,
    /// Whether it is told how many times the floor it is, and how it has changed.
    pub(super) compared: bool,
    /// Whether it is shown beside Node's.
    pub(super) beside_node: bool,
    pub(super) of: fn(&Figures) -> f64,
    /// Where it was measured in turn with the empty handler, and with Node.js.
    pairs: Option<InTurn>,
}

#[derive(Clone, Copy)]
struct InTurn {
    floor: fn(&Pairs) -> &[Pair],
    node: fn(&Pairs) -> &[Pair],
}

/// One environment's processor time.
const ALONE: InTurn = InTurn { floor: |pairs| &pairs.floor, node: |pairs| &pairs.node };
/// That of eight which are busy, and beside Node.js alone.
const BUSY: InTurn = InTurn { floor: |_| &[], node: |pairs| &pairs.busy };
/// How long one environment's answer takes, likewise.
const ANSWER: InTurn = InTurn { floor: |_| &[], node: |pairs| &pairs.answer };

const fn column(
    short: &'static str,
    title: &'static str,
    unit: &'static str,
    of: fn(&Figures) -> f64,
) -> Column {
    Column { short, title, unit, decimals: 1, compared: true, beside_node: false, of, pairs: None }
}

const fn count(short: &'static str, title: &'static str, of: fn(&Figures) -> f64) -> Column {
    Column { compared: false, ..column(short, title, "", of) }
}

/// Shown without decimals.
const fn whole(
    short: &'static str,
    title: &'static str,
    unit: &'static str,
    of: fn(&Figures) -> f64,
) -> Column {
    Column { decimals: 0, ..column(short, title, unit, of) }
}

const CPU: &str =
    "Processor time of the function for one request, the kernel's on its behalf included; median of 5 rounds";
const BUSY_CPU: &str =
    "The same while eight environments are kept busy by sixteen callers; median of 5 rounds";
const INSTRUCTIONS: &str =
    "Instructions of the function for one request, the kernel's not included, thousands";
const PROPORTIONAL: &str = "Memory of an environment, pages that several processes share counted by part";
const ZIP: &str = "Archive that is uploaded to Lambda, built for this machine's processor";
const MILLION: &str = "A million requests on Lambda (arm64), by docs/benchmarks/cost.md";

/// All that are shown.
pub(super) const COLUMNS: &[Column] = &[
    column("start ms", "Start to first answer, process start included, median", "ms", |f| f.start_ms)
        .beside_node(),
    whole("cpu µs", CPU, "µs", |f| f.cpu_us).in_turn(ALONE),
    whole("busy µs", BUSY_CPU, "µs", |f| f.busy_us).in_turn(BUSY),
    whole("k instr.", INSTRUCTIONS, "k", |f| f.instructions / 1e3),
    whole("p50 µs", "Answer, one environment, median", "µs", |f| f.alone.p50_us).in_turn(ANSWER),
    whole("p99 µs", "Answer, one environment, 99th percentile", "µs", |f| f.alone.p99_us),
    whole("8: p50", "Answer, eight environments, median", "µs", |f| f.crowd.p50_us),
    whole("8: p99", "Answer, eight environments, 99th percentile", "µs", |f| f.crowd.p99_us),
    column("RSS MB", "Resident memory of an environment", "MB", |f| megabytes(f.resident_kb)).beside_node(),
    column("PSS MB", PROPORTIONAL, "MB", |f| megabytes(f.proportional_kb)).beside_node(),
    column("zip MB", ZIP, "MB", |f| megabytes(f.zip_bytes / 1024)),
    Column { decimals: 2, compared: false, ..column("$/M", MILLION, "$", of_a_million) },
    count("Redis", "Round trips to Redis", |f| f.redis_round_trips),
    count("cmds", "Commands to Redis", |f| f.redis_commands),
    count("SQL", "Statements of Postgres, each one round trip", |f| f.statements),
    count("provider", "Calls to the payment provider", |f| f.provider_calls),
];

/// As figures are shown.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub(super) fn megabytes(kilobytes: u64) -> f64 {
    kilobytes as f64 / 1024.0
}

impl Column {
    const fn beside_node(self) -> Self {
        Self { beside_node: true, ..self }
    }

    const fn in_turn(self, pairs: InTurn) -> Self {
        Self { pairs: Some(pairs), ..self.beside_node() }
    }

    /// The figure in words.
    pub(super) fn text(&self, figures: &Figures) -> String {
        let value = (self.of)(figures);
        if value == 0.0 { "–".to_owned() } else { format!("{value:.*}", self.decimals) }
    }

    /// How many times the empty handler's a figure is, where that says something: by rounds measured in turn, if there
    /// are any.
    pub(super) fn times_the_floor(&self, case: &Measured, floor: Option<&Figures>) -> Option<f64> {
        let in_turn = self.pairs.and_then(|pairs| Spread::times((pairs.floor)(&case.pairs)));
        in_turn.map(|spread| spread.middle).or_else(|| {
            let (ours, floor) = ((self.of)(&case.figures), (self.of)(floor?));
            (self.compared && floor > 0.0).then(|| ours / floor)
        })
    }

    /// How many times less a figure of ours is than Node's, where both were measured; likewise.
    pub(super) fn times_less(&self, case: &Measured) -> Option<f64> {
        let in_turn = self.pairs.and_then(|pairs| Spread::times_less((pairs.node)(&case.pairs)));
        in_turn.map(|spread| spread.middle).or_else(|| {
            let (ours, node) = ((self.of)(&case.figures), (self.of)(case.node.as_ref()?));
            (ours > 0.0 && node > 0.0).then(|| node / ours)
        })
    }

    /// How a figure has changed since another run, in percent, where that says something.
    pub(super) fn change(&self, now: &Figures, before: Option<&Figures>) -> Option<f64> {
        let (now, before) = ((self.of)(now), (self.of)(before?));
        (self.compared && now > 0.0 && before > 0.0).then(|| (now / before - 1.0) * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::pairs;
    use super::super::report::tests::{figures, measured};
    use super::*;

    #[test]
    fn what_was_measured_in_turn_is_compared_round_by_round() {
        let cpu = COLUMNS.iter().find(|column| column.short == "cpu µs").expect("a column");
        let mut case = measured("order", figures(150.0), Some(figures(630.0)));
        assert_eq!(
            (cpu.times_the_floor(&case, Some(&figures(50.0))), cpu.times_less(&case)),
            (Some(3.0), Some(4.2))
        );
        case.pairs.floor = pairs::of(&[150.0, 300.0, 450.0], &[75.0, 150.0, 225.0]);
        case.pairs.node = pairs::of(&[150.0, 300.0, 450.0], &[300.0, 600.0, 900.0]);
        assert_eq!(
            (cpu.times_the_floor(&case, Some(&figures(50.0))), cpu.times_less(&case)),
            (Some(2.0), Some(2.0))
        );
    }

    #[test]
    fn a_change_is_told_only_between_two_figures_that_were_measured() {
        let cpu = COLUMNS.iter().find(|column| column.short == "cpu µs").expect("a column");
        assert_eq!(cpu.change(&figures(150.0), Some(&figures(100.0))), Some(50.0));
        assert_eq!(cpu.change(&figures(150.0), Some(&figures(0.0))), None);
        assert_eq!(cpu.change(&figures(150.0), None), None);
        assert_eq!((cpu.text(&figures(12.4)), cpu.text(&figures(0.0))), ("12".to_owned(), "–".to_owned()));
    }
}
