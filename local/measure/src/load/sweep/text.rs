//! Several runs beside each other, as tables for the terminal.

use std::fmt::Write;

use super::super::answers::Summary;
use super::super::processors::Who;
use super::super::run::Run;
use super::super::text::count;
use super::super::verdict::goals;
use super::super::waited::Reason;
use super::Sweep;
use crate::goal::{Goal, Outcome};
use cloud::figures::{float, milliseconds, thousands};
use cloud::progress::table;

/// The headings of [`rows`].
pub(super) const HEADINGS: [&str; 10] = [
    "functions",
    "users",
    "/s",
    "p50 ms",
    "p99",
    "429",
    "errors",
    "connections",
    "processors",
    "what gave out",
];

/// All of it.
pub(crate) fn of(sweeps: &[Sweep]) -> String {
    let tables =
        table(HEADINGS, &rows(sweeps)) + "\n" + &table(processor_headings(), &processor_rows(sweeps));
    let ceilings = ceilings(sweeps).into_iter().map(|line| format!("\n  {line}\n"));
    format!("\n{tables}{}", ceilings.collect::<String>())
}

/// Whose functions they are.
pub(super) fn program(node: Option<&str>) -> String {
    node.map_or_else(|| "ours".to_owned(), |version| format!("Node.js {version}"))
}

/// A row for each run, by the number of users.
pub(super) fn rows(sweeps: &[Sweep]) -> Vec<[String; 10]> {
    let row = |run: &Run| {
        let all = Summary::of(run.answers.iter());
        [
            program(run.node.as_deref()),
            thousands(run.users),
            format!("{:.0}", count(all.requests) / run.length.as_secs_f64().max(1.0)),
            format!("{:.1}", milliseconds(all.p50)),
            format!("{:.1}", milliseconds(all.p99)),
            all.with_status(429).to_string(),
            all.errors.to_string(),
            run.moments.iter().filter_map(|moment| moment.connections).max().unwrap_or_default().to_string(),
            format!("{:.2}", run.busy().machine),
            gave_out(run).map(|goal| goal.promise).collect::<Vec<_>>().join("; "),
        ]
    };
    sweeps.iter().flat_map(by_users).map(row).collect()
}

/// The headings of [`processor_rows`].
pub(super) fn processor_headings() -> [&'static str; 11] {
    std::array::from_fn(|column| match column {
        0 => "busy with",
        1 => "users",
        _ => Who::ALL[column - 2].name(),
    })
}

/// With whom the processors were busy in each run.
pub(super) fn processor_rows(sweeps: &[Sweep]) -> Vec<[String; 11]> {
    let row = |run: &Run| {
        let busy = run.busy();
        std::array::from_fn(|column| match column {
            0 => program(run.node.as_deref()),
            1 => thousands(run.users),
            _ => format!("{:.2}", busy.with(Who::ALL[column - 2])),
        })
    };
    sweeps.iter().flat_map(by_users).map(row).collect()
}

/// The runs of one program, the fewest users first.
pub(super) fn by_users(sweep: &Sweep) -> Vec<&Run> {
    let mut runs: Vec<_> = sweep.runs.iter().collect();
    runs.sort_by_key(|run| run.users);
    runs
}

/// How many users each program keeps every goal for, what gave out above them, and how many times as many ours are.
pub(super) fn ceilings(sweeps: &[Sweep]) -> Vec<String> {
    let mut lines: Vec<_> = sweeps.iter().filter_map(ceiling).collect();
    let mut known = sweeps.iter().filter_map(|sweep| Some(sweep.ceiling()?.holds()));
    if let (Some(ours), Some(node @ 1..)) = (known.next(), known.next()) {
        lines.push(format!("Ours serve {:.1} times as many users.", float(ours) / float(node)));
    }
    lines
}

fn ceiling(sweep: &Sweep) -> Option<String> {
    let ceiling = sweep.ceiling()?;
    let mut text = match ceiling.holds() {
        0 => "no number of users that was tried keeps every goal".to_owned(),
        users => format!("every goal holds for {} users", thousands(users)),
    };
    if let Some(users) = ceiling.gives_out() {
        let above = sweep.runs.iter().filter(|run| run.users == users);
        let broken = above.flat_map(gave_out).map(|goal| format!("{}: {}", goal.promise, goal.seen));
        let broken = broken.collect::<Vec<_>>().join("; ");
        let _ = write!(text, ", and for {} not. What gave out first: {broken}", thousands(users));
        let left = sweep.runs.iter().filter(|run| run.users == users).map(left_by_the_providers_limit).sum();
        if left > 0 {
            let _ = write!(
                text,
                ". {} orders still waited for the provider's limit, which is not the machine's: --provider-limit raises it",
                thousands(left)
            );
        }
    }
    Some(format!("{}: {text}.", program(sweep.node.as_deref())))
}

/// Orders that were put off because the provider takes no more calls, and that were never charged.
fn left_by_the_providers_limit(run: &Run) -> u64 {
    let waited = run.waited.as_ref().and_then(|waited| waited.by_reason.get(&Reason::ProvidersLimit));
    waited.map_or(0, |waits| waits.orders - waits.charged)
}

/// The goals that do not hold.
fn gave_out(run: &Run) -> impl Iterator<Item = Goal> {
    goals(run).into_iter().filter(|goal| goal.outcome == Outcome::Broken)
}

#[cfg(test)]
mod tests {
    use super::super::super::waited::{Waited, Waits};
    use super::super::tests::{NODE, sweep};
    use super::*;

    #[test]
    fn both_programs_stand_in_one_table_by_users_with_what_gave_out() {
        let rows = rows(&[sweep(None, 900), sweep(Some(NODE), 300)]);
        let of = |row: &[String; 10]| [0, 1, 4, 8, 9].map(|column| row[column].clone());
        assert_eq!(of(&rows[0]), ["ours", "500", "5.0", "1.00", ""]);
        assert_eq!(of(&rows[4]), ["ours", "1,000", "400.0", "1.00", "99 of 100 answers within 250 ms"]);
        assert_eq!(of(&rows[5])[..2], ["Node.js v22.11.0", "250"]);
    }

    #[test]
    fn who_kept_the_processors_busy_is_told_for_each_run() {
        let headings = processor_headings();
        assert_eq!(headings[..3], ["busy with", "users", "functions"]);
        let rows = processor_rows(&[sweep(None, 500)]);
        assert_eq!(rows[0][..4], ["ours", "500", "0.50", "0.00"]);
        assert_eq!(rows[0].last().map(String::as_str), Some("0.50"), "the rest");
    }

    #[test]
    fn each_ceiling_is_told_with_what_gave_out_and_how_they_compare() {
        let lines = ceilings(&[sweep(None, 900), sweep(Some(NODE), 300)]);
        let gave_out = "What gave out first: 99 of 100 answers within 250 ms: 400.0 ms.";
        assert_eq!(lines[0], format!("ours: every goal holds for 875 users, and for 937 not. {gave_out}"));
        assert!(lines[1].starts_with("Node.js v22.11.0: every goal holds for 296 users, and for 312 not."));
        assert_eq!(lines[2], "Ours serve 3.0 times as many users.");
        let mut limited = sweep(None, 900);
        let waits = Waits { orders: 1_500, charged: 300, ..Waits::default() };
        let by_reason = [(Reason::ProvidersLimit, waits)].into();
        limited.runs[4].waited = Some(Waited { all: waits, by_reason });
        let told = ceilings(&[limited]).swap_remove(0);
        assert!(told.contains("1,200 orders still waited for the provider's limit"), "{told}");
        let none = ceilings(&[sweep(None, 900), sweep(Some(NODE), 0)]);
        assert!(none[1].starts_with("Node.js v22.11.0: no number of users that was tried"));
        assert_eq!(none.len(), 2, "nothing is compared with nothing");
    }
}
