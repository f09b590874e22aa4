//! Which goals hold. `docs/benchmarks/README.md` has the same list.

use super::cases::{CACHED_SEARCH, CASES, Case, FLOOR, SEARCH};
use super::columns::megabytes;
use super::pairs::Spread;
use super::report::{Figures, Measured, Report};
use crate::goal::{Goal, Outcome};

/// The one that the goals begin with.
const PRODUCT: &str = "product, cached";
const CHECKOUT: &str = "checkout";
const LOGIN: &str = "login";
const GRAPHQL: &str = "graphql";
/// They link clients of AWS, for secrets or the queue.
const WITH_AWS_CLIENTS: [&str; 4] = [LOGIN, CHECKOUT, "cancel-order", "charge-worker"];

/// A cached product, beside a handler that does nothing.
const TIMES_THE_FLOOR: f64 = 1.5;
/// Processor time beside Node's.
const TIMES_LESS: f64 = 4.0;
/// The same for checkout, which does least by itself: it waits for Redis, for Postgres and for the provider.
const TIMES_LESS_CHECKOUT: f64 = 3.0;
/// The same for login, nearly all of whose time is argon2id's: native in both, and with the same parameters.
const TIMES_LESS_LOGIN: f64 = 1.0;
/// Checkout's answer beside Node's.
const TIMES_THE_ANSWER: f64 = 0.7;
const START_MS: f64 = 15.0;
/// Start beside Node's.
const STARTS_TIMES_LESS: f64 = 8.0;

const NOT_MEASURED: &str = "not measured; --node does";

/// The most that a figure may be, judged by the largest of those whom it concerns.
struct Limit {
    what: &'static str,
    whose: &'static str,
    most: f64,
    unit: &'static str,
    concerns: fn(&Case) -> bool,
    of: fn(&Figures) -> f64,
}

const MEMORY: Limit = Limit {
    what: "memory of an environment",
    whose: "reads",
    most: 12.0,
    unit: "MB",
    concerns: |case| is_read(case),
    of: |figures| megabytes(figures.resident_kb),
};
const ARCHIVE: Limit = Limit {
    what: "archive that is deployed",
    whose: "reads",
    most: 2.2,
    unit: "MB",
    concerns: |case| is_read(case) && case.function != GRAPHQL,
    of: |figures| megabytes(figures.zip_bytes / 1024),
};
/// Among 10,000 products and among a million.
const SEARCHES: Limit = Limit {
    what: "p50 of an answer",
    whose: "searches that are not cached",
    most: 10.0,
    unit: "ms",
    concerns: |case| case.function == SEARCH && case.name != CACHED_SEARCH,
    of: |figures| figures.alone.p50_us / 1e3,
};
const LIMITS: [Limit; 7] = [
    MEMORY,
    Limit { whose: "checkout", most: 20.0, concerns: |case| case.function == CHECKOUT, ..MEMORY },
    ARCHIVE,
    Limit { whose: "GraphQL", most: 3.0, concerns: |case| case.function == GRAPHQL, ..ARCHIVE },
    Limit {
        whose: "what links clients of AWS",
        most: 6.0,
        concerns: |case| WITH_AWS_CLIENTS.contains(&case.function),
        ..ARCHIVE
    },
    SEARCHES,
    Limit { what: "p99 of an answer", most: 40.0, of: |figures| figures.alone.p99_us / 1e3, ..SEARCHES },
];

fn known(case: &Measured) -> Option<&'static Case> {
    CASES.iter().find(|known| known.name == case.name)
}

fn is_read(case: &Case) -> bool {
    case.reads && case.name != FLOOR.name
}

/// All goals that concern what was measured.
pub(super) fn goals(report: &Report) -> Vec<Goal> {
    let mut goals: Vec<_> = beside_the_floor(report).into_iter().collect();
    goals.extend(beside_node(report));
    goals.extend(answer_beside_node(report));
    goals.extend(start(report));
    goals.extend(LIMITS.iter().filter_map(|limit| limit.judged(report)));
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
            "processor time {TIMES_LESS} × less than Node's, checkout {TIMES_LESS_CHECKOUT} ×, login no more than Node's"
        );
        return vec![Goal { promise, seen: NOT_MEASURED.to_owned(), outcome: Outcome::NotMeasured }];
    }
    let goal = |(case, goal): (&Measured, f64)| {
        let (node, ours) = (case.node?.busy_us, case.figures.busy_us);
        let times = Spread::times_less(&case.pairs.busy)?;
        let less = if goal > 1.0 { format!("{goal} × less than") } else { "no more than".to_owned() };
        Some(Goal {
            promise: format!("{}: processor time {less} Node's, all environments busy", case.name),
            seen: format!("{ours:.0} µs to {node:.0}, {}", times.words(1)),
            outcome: times.at_least(goal),
        })
    };
    judged.into_iter().filter_map(goal).collect()
}

/// How many times less processor time than Node's a case is to take, if there is a goal for it.
fn times_less(case: &Measured) -> Option<f64> {
    let known = known(case)?;
    match known.function {
        _ if !known.twin || known.name == FLOOR.name => None,
        LOGIN => Some(TIMES_LESS_LOGIN),
        CHECKOUT => Some(TIMES_LESS_CHECKOUT),
        _ => Some(TIMES_LESS),
    }
}

/// What a customer waits for at checkout, beside what a Node.js team's would wait for. With a provider that takes its
/// time both wait for that, and the goal says nothing.
fn answer_beside_node(report: &Report) -> Option<Goal> {
    if report.provider_delay_ms.is_some() {
        return None;
    }
    let case =
        report.cases.iter().find(|case| known(case).is_some_and(|known| known.function == CHECKOUT))?;
    let promise = format!("{}: p50 of an answer at most {TIMES_THE_ANSWER} × Node's", case.name);
    let Some((node, times)) = case.node.zip(Spread::times(&case.pairs.answer)) else {
        return Some(Goal { promise, seen: NOT_MEASURED.to_owned(), outcome: Outcome::NotMeasured });
    };
    let (ours, node) = (case.figures.alone.p50_us, node.alone.p50_us);
    Some(Goal {
        promise,
        seen: format!("{ours:.0} µs to {node:.0}, {}", times.words(2)),
        outcome: times.at_most(TIMES_THE_ANSWER),
    })
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

impl Limit {
    fn judged(&self, report: &Report) -> Option<Goal> {
        let Self { what, whose, most, unit, concerns, of } = self;
        let those = report.cases.iter().filter(|case| known(case).is_some_and(concerns));
        let (name, seen) =
            those.map(|case| (&case.name, of(&case.figures))).max_by(|(_, a), (_, b)| a.total_cmp(b))?;
        Some(Goal {
            promise: format!("{what} under {most} {unit}, {whose}"),
            seen: format!("at most {seen:.1} {unit} ({name})"),
            outcome: Outcome::of(seen < *most),
        })
    }
}

#[cfg(test)]
mod tests;
