//! Which goals hold. `docs/benchmarks/README.md` has the same list.

use super::cases::{CASES, Case, FLOOR};
use super::columns::megabytes;
use super::pairs::Spread;
use super::report::{Figures, Measured, Report};
use crate::goal::{Goal, Outcome};

/// The one that the goals begin with.
const PRODUCT: &str = "product, cached";
const CHECKOUT: &str = "checkout";
/// No goal for it beside Node's: nearly all of its time is argon2id's, which takes both the same on purpose.
const LOGIN: &str = "login";
/// They link clients of AWS, for secrets or the queue.
const WITH_AWS_CLIENTS: [&str; 4] = ["login", CHECKOUT, "cancel-order", "charge-worker"];

/// A cached product, beside a handler that does nothing.
const TIMES_THE_FLOOR: f64 = 1.5;
/// Processor time beside Node's.
const TIMES_LESS: f64 = 4.0;
/// The same for checkout, which waits for others and asks the provider twice where Node asks once.
const TIMES_LESS_CHECKOUT: f64 = 3.0;
const START_MS: f64 = 15.0;
/// Start beside Node's.
const STARTS_TIMES_LESS: f64 = 8.0;
const MEMORY_OF_READS_MB: f64 = 12.0;
const MEMORY_OF_CHECKOUT_MB: f64 = 20.0;
const ARCHIVE_OF_READS_MB: f64 = 3.0;
const ARCHIVE_WITH_AWS_CLIENTS_MB: f64 = 6.0;

const NOT_MEASURED: &str = "not measured; --node does";

/// All goals that concern what was measured.
pub(super) fn goals(report: &Report) -> Vec<Goal> {
    let mut goals: Vec<_> = beside_the_floor(report).into_iter().collect();
    goals.extend(beside_node(report));
    goals.extend(start(report));
    let reads = |case: &Case| case.reads && case.name != FLOOR.name;
    let ours = |case: &Case| case.function == CHECKOUT;
    let heavy = |case: &Case| WITH_AWS_CLIENTS.contains(&case.function);
    let (memory, archive) = ("memory of an environment", "archive that is deployed");
    let resident = |figures: &Figures| megabytes(figures.resident_kb);
    let zip = |figures: &Figures| megabytes(figures.zip_bytes / 1024);
    goals.extend(below(report, memory, "reads", MEMORY_OF_READS_MB, reads, resident));
    goals.extend(below(report, memory, "checkout", MEMORY_OF_CHECKOUT_MB, ours, resident));
    goals.extend(below(report, archive, "reads", ARCHIVE_OF_READS_MB, reads, zip));
    goals.extend(below(
        report,
        archive,
        "what links clients of AWS",
        ARCHIVE_WITH_AWS_CLIENTS_MB,
        heavy,
        zip,
    ));
    goals
}

fn beside_the_floor(report: &Report) -> Option<Goal> {
    let product = report.cases.iter().find(|case| case.name == PRODUCT)?;
    let times = Spread::times(&product.pairs.floor)?;
    Some(Goal {
        promise: format!("{PRODUCT}: processor time at most {TIMES_THE_FLOOR} × the empty handler's"),
        seen: format!("{:.0} µs, {}", product.figures.cpu_us, times.words(2)),
        outcome: times.at_most(TIMES_THE_FLOOR),
    })
}

/// A goal for each endpoint, all environments busy: one that waits costs the same in any language. Where Node was not
/// measured, one goal for all of them.
fn beside_node(report: &Report) -> Vec<Goal> {
    let judged: Vec<_> = report.cases.iter().filter_map(|case| Some((case, times_less(case)?))).collect();
    if !judged.is_empty() && judged.iter().all(|(case, _)| case.node.is_none()) {
        let promise = format!(
            "processor time {TIMES_LESS} × less than Node's, checkout {TIMES_LESS_CHECKOUT} × (login, which is \
             argon2id's time, aside)"
        );
        return vec![Goal { promise, seen: NOT_MEASURED.to_owned(), outcome: Outcome::NotMeasured }];
    }
    let goal = |(case, goal): (&Measured, f64)| {
        let (node, ours) = (case.node?.busy_us, case.figures.busy_us);
        let times = Spread::times_less(&case.pairs.busy)?;
        Some(Goal {
            promise: format!(
                "{}: processor time {goal} × less than Node's, all environments busy",
                case.name
            ),
            seen: format!("{ours:.0} µs to {node:.0}, {}", times.words(1)),
            outcome: times.at_least(goal),
        })
    };
    judged.into_iter().filter_map(goal).collect()
}

/// How many times less processor time than Node's a case is to take, if there is a goal for it.
fn times_less(case: &Measured) -> Option<f64> {
    let known = CASES.iter().find(|known| known.name == case.name)?;
    match known.function {
        // What serves no HTTP has no twin; the cached product has a stricter goal.
        _ if known.status.is_none() || [FLOOR.name, PRODUCT].contains(&known.name) => None,
        LOGIN => None,
        CHECKOUT => Some(TIMES_LESS_CHECKOUT),
        _ => Some(TIMES_LESS),
    }
}

fn start(report: &Report) -> Vec<Goal> {
    let Some(product) = report.cases.iter().find(|case| case.name == PRODUCT) else { return Vec::new() };
    let ours = product.figures.start_ms;
    let (seen, outcome) = match product.node.map(|node| node.start_ms) {
        Some(node) => {
            let times = node / ours;
            (format!("{ours:.1} ms to {node:.0}, {times:.0} ×"), Outcome::of(times >= STARTS_TIMES_LESS))
        }
        None => (NOT_MEASURED.to_owned(), Outcome::NotMeasured),
    };
    vec![
        Goal {
            promise: format!("{PRODUCT}: start to first answer under {START_MS} ms"),
            seen: format!("{ours:.1} ms"),
            outcome: Outcome::of(ours < START_MS),
        },
        Goal {
            promise: format!("{PRODUCT}: start to first answer {STARTS_TIMES_LESS} × sooner than Node's"),
            seen,
            outcome,
        },
    ]
}

/// A limit in megabytes, judged by the largest of those whom it concerns.
fn below(
    report: &Report,
    what: &str,
    whose: &str,
    limit: f64,
    concerns: impl Fn(&Case) -> bool,
    of: impl Fn(&Figures) -> f64,
) -> Option<Goal> {
    let concerned = |name: &str| CASES.iter().any(|case| case.name == name && concerns(case));
    let those = report.cases.iter().filter(|case| concerned(&case.name));
    let (name, most) =
        those.map(|case| (&case.name, of(&case.figures))).max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    Some(Goal {
        promise: format!("{what} under {limit} MB, {whose}"),
        seen: format!("at most {most:.1} MB ({name})"),
        outcome: Outcome::of(most < limit),
    })
}

#[cfg(test)]
mod tests;
