//! What a run prints, and what it leaves behind as a file.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use shared::kill_point::KillPoint;
use textwrap::Options;
use time::OffsetDateTime;
use time::macros::format_description;

use super::audit::Figure;
use super::chronicle::Chronicle;
use super::faults::Fault;
use super::witness::Seen;
use super::world::FUNCTIONS;
use cloud::figures::machine;
use cloud::progress::seconds;

/// Violations of one figure that are shown; the rest are counted.
const SHOWN: usize = 8;

/// Everything that a run found.
pub(super) struct Report<'a> {
    pub(super) command: String,
    pub(super) seed: u64,
    pub(super) begun: OffsetDateTime,
    pub(super) open_for: Duration,
    /// How long after the shop had closed every order was finished; `None` where not every one was.
    pub(super) settled_within: Option<Duration>,
    pub(super) figures: &'a [Figure],
    /// How fast the machine was, in the middle and at its slowest; 1 is as fast as it can be.
    pub(super) machine_speeds: (f64, f64),
    pub(super) seen: &'a Seen,
    pub(super) orders: BTreeMap<&'a str, usize>,
    pub(super) orphans: usize,
    /// How often each fault struck.
    pub(super) faults: BTreeMap<Fault, usize>,
    /// And when.
    pub(super) chronicle: &'a Chronicle,
    /// Those that were to strike.
    pub(super) kinds: &'a [Fault],
    /// Requests that the provider's faults struck.
    pub(super) struck: &'a BTreeMap<Fault, usize>,
    /// Deaths by kill point and function.
    pub(super) deaths: &'a BTreeMap<(String, String), usize>,
    /// What Postgres told of each.
    pub(super) deadlocks: Vec<String>,
}

impl Report<'_> {
    /// Whether every promise was kept, and something was looked at for each, after every fault that was to strike.
    pub(super) fn passes(&self) -> bool {
        let kept = |figure: &Figure| figure.violations.is_empty() && figure.checked > 0;
        self.figures.iter().all(kept) && self.never_struck().is_empty() && self.deadlocks.is_empty()
    }

    fn never_struck(&self) -> Vec<&'static str> {
        self.kinds.iter().filter(|kind| !self.faults.contains_key(kind)).map(|kind| kind.name()).collect()
    }

    /// As Markdown: what the terminal shows is the same text.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text).ok();
        text.lines().map(wrapped).collect()
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let verdict = if self.passes() { "passed" } else { "FAILED" };
        let date = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
        let placed: usize = self.orders.values().sum();
        writeln!(text, "# Chaos, seed {}: {verdict}\n", self.seed)?;
        writeln!(text, "- command: `{}`", self.command)?;
        writeln!(text, "- date: {}", self.begun.format(date).unwrap_or_default())?;
        writeln!(text, "- machine: {}", machine())?;
        writeln!(text, "- open for {}; {}", seconds(self.open_for), settled(self.settled_within))?;
        writeln!(text, "- {placed} orders: {}", counts(&self.orders))?;
        let deaths: usize = self.deaths.values().sum();
        let faults: usize = self.faults.values().sum();
        writeln!(
            text,
            "- {faults} faults of {} kinds; {deaths} functions died at kill points",
            self.faults.len()
        )?;
        writeln!(
            text,
            "- {} intents that no order knows (unconfirmed, and harmless), {} deadlocks in Postgres' log",
            self.orphans,
            self.deadlocks.len()
        )?;
        let (middle, slowest) = self.machine_speeds;
        writeln!(
            text,
            "- waits are judged by the machine's time: mostly it went at {:.0} % of its best speed, at worst {:.0} %",
            middle * 100.0,
            slowest * 100.0
        )?;
        self.write_figures(text)?;
        for told in &self.deadlocks {
            writeln!(text, "\nA deadlock:\n\n```\n{told}\n```")?;
        }
        self.write_faults(text)?;
        self.write_deaths(text)?;
        self.write_answers(text)
    }

    fn write_figures(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "\n| | promise | looked at | violations |\n|---|---|---:|---:|")?;
        for (number, figure) in (1..).zip(self.figures) {
            let Figure { promise, checked, violations } = figure;
            writeln!(text, "| {number} | {promise} | {checked} | {} |", violations.len())?;
        }
        for (number, figure) in (1..).zip(self.figures).filter(|(_, figure)| !figure.violations.is_empty()) {
            writeln!(text, "\nViolations of {number}:\n")?;
            for violation in figure.violations.iter().take(SHOWN) {
                writeln!(text, "- {}", self.chronicle.tell(violation, self.begun))?;
            }
            if figure.violations.len() > SHOWN {
                writeln!(text, "- and {} more", figure.violations.len() - SHOWN)?;
            }
        }
        for figure in self.figures.iter().filter(|figure| figure.checked == 0) {
            writeln!(text, "\nNothing was looked at for this, so nothing was shown: {}.", figure.promise)?;
        }
        let freshness = &self.seen.freshness;
        writeln!(
            text,
            "\n{} updates of products were acknowledged and {} reads checked. Of {} updates the shop reported that Redis did \
             not confirm the invalidation; {} reads got an older version of those products before the next sweep.",
            freshness.updates(),
            freshness.reads(),
            freshness.losses(),
            freshness.excused()
        )?;
        let unknown = self.seen.stock_changes.iter().filter(|change| !change.acknowledged).count();
        writeln!(
            text,
            "\n{} changes of stock, of which {unknown} were not answered and count if the books need them.",
            self.seen.stock_changes.len()
        )
    }

    fn write_faults(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "\n| fault | times | requests to the provider that it struck |\n|---|---:|---:|")?;
        for fault in Fault::ALL {
            let times = self.faults.get(fault).copied().unwrap_or_default();
            let requests = self.struck.get(fault).map(ToString::to_string).unwrap_or_default();
            writeln!(text, "| {} | {times} | {requests} |", fault.name())?;
        }
        if !self.never_struck().is_empty() {
            writeln!(text, "\nNever struck, so nothing was shown: {}.", self.never_struck().join("; "))?;
        }
        Ok(())
    }

    fn write_deaths(&self, text: &mut String) -> std::fmt::Result {
        let functions: Vec<_> = FUNCTIONS
            .iter()
            .map(|(name, ..)| *name)
            .filter(|name| self.deaths.keys().any(|(_, function)| function == name))
            .collect();
        writeln!(text, "\n| died at kill point | {} |", functions.join(" | "))?;
        writeln!(text, "|---|{}", "---:|".repeat(functions.len()))?;
        for point in KillPoint::ALL {
            write!(text, "| {} |", point.name())?;
            for function in &functions {
                let count = self.deaths.get(&(point.name().to_owned(), (*function).to_owned()));
                write!(text, " {} |", count.map(ToString::to_string).unwrap_or_default())?;
            }
            writeln!(text)?;
        }
        let unhit =
            KillPoint::ALL.iter().filter(|point| !self.deaths.keys().any(|(name, _)| name == point.name()));
        let unhit: Vec<_> = unhit.map(|point| point.name()).collect();
        if !unhit.is_empty() {
            writeln!(text, "\nNobody died at: {}.", unhit.join(", "))?;
        }
        Ok(())
    }

    fn write_answers(&self, text: &mut String) -> std::fmt::Result {
        writeln!(
            text,
            "\n| function | answers by status (none: died, too slow, or the client hung up) |\n|---|---|"
        )?;
        for (function, ..) in FUNCTIONS {
            let of = self.seen.answers.iter().filter(|((name, _), _)| *name == function);
            let words: Vec<_> = of
                .map(|((_, status), count)| match status {
                    0 => format!("none: {count}"),
                    _ => format!("{status}: {count}"),
                })
                .collect();
            if !words.is_empty() {
                writeln!(text, "| {function} | {} |", words.join(", "))?;
            }
        }
        Ok(())
    }
}

fn settled(within: Option<Duration>) -> String {
    match within {
        Some(within) => format!("every order finished {} after the shop had closed", seconds(within)),
        None => "not every order finished".to_owned(),
    }
}

fn counts(counts: &BTreeMap<&str, usize>) -> String {
    let words: Vec<_> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
    words.join(", ")
}

/// A line as it may stand in a document; a row of a table is one line, however long.
fn wrapped(line: &str) -> String {
    let below = if line.starts_with("- ") { "  " } else { "" };
    let lines = Options::new(120).subsequent_indent(below).break_words(false);
    if line.starts_with('|') { format!("{line}\n") } else { format!("{}\n", textwrap::fill(line, lines)) }
}

#[cfg(test)]
mod tests {
    use super::super::chronicle::Violation;
    use super::*;

    /// What the report of a run says that was well but for what `change` makes of it.
    fn judged(change: impl FnOnce(&mut Figure, &mut Report<'_>)) -> (bool, String) {
        let (seen, chronicle, none, nobody) = <(Seen, Chronicle, BTreeMap<_, _>, BTreeMap<_, _>)>::default();
        let mut report = Report {
            command: "./dev chaos".to_owned(),
            seed: 1,
            begun: OffsetDateTime::UNIX_EPOCH,
            open_for: Duration::from_mins(1),
            settled_within: Some(Duration::from_secs(1)),
            figures: &[],
            machine_speeds: (1.0, 1.0),
            seen: &seen,
            orders: BTreeMap::from([("paid", 7)]),
            orphans: 0,
            faults: BTreeMap::from([(Fault::RedisDies, 2), (Fault::SqsDies, 1)]),
            chronicle: &chronicle,
            kinds: &[Fault::RedisDies, Fault::SqsDies],
            struck: &none,
            deaths: &nobody,
            deadlocks: Vec::new(),
        };
        let kept = || Figure { promise: "an order is charged once", checked: 7, violations: Vec::new() };
        let mut changed = kept();
        change(&mut changed, &mut report);
        let figures = [kept(), changed];
        report.figures = &figures;
        (report.passes(), report.text())
    }

    fn fails_and_says(said: &str, change: impl FnOnce(&mut Figure, &mut Report<'_>)) {
        let (passes, text) = judged(change);
        assert!(!passes && text.contains("seed 1: FAILED") && text.contains(said), "{said}: {text}");
    }

    #[test]
    fn a_run_in_which_every_promise_was_looked_at_and_kept_passes() {
        let (passes, text) = judged(|_, _| ());
        assert!(passes && text.contains("seed 1: passed"), "{text}");
    }

    #[test]
    fn a_run_that_looked_at_nothing_for_one_promise_fails() {
        fails_and_says("Nothing was looked at for this", |figure, _| figure.checked = 0);
    }

    #[test]
    fn a_kind_of_fault_that_never_struck_fails_the_run() {
        let never = format!("Never struck, so nothing was shown: {}.", Fault::SqsDies.name());
        fails_and_says(&never, |_, report| report.faults.retain(|kind, _| *kind != Fault::SqsDies));
    }

    #[test]
    fn one_violation_or_one_deadlock_fails_the_run() {
        let violation = Violation::some_time("order 7 was charged twice".to_owned());
        fails_and_says("- order 7 was charged twice", |figure, _| figure.violations.push(violation));
        let told = "Process 41: update t".to_owned();
        fails_and_says("```\nProcess 41: update t\n```", |_, report| report.deadlocks = vec![told]);
    }

    #[test]
    fn it_claims_that_every_order_finished_only_where_every_one_did() {
        let within = Some(Duration::from_secs(24));
        assert_eq!(settled(within), "every order finished 24 s after the shop had closed");
        assert_eq!(settled(None), "not every order finished");
    }
}
