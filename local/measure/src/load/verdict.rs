//! Whether the goal held.

use std::collections::BTreeMap;
use std::time::Duration;

use super::answers::Summary;
use super::run::Run;
use super::waited::{Waited, Waits};
use super::watch::Moment;
use crate::goal::{Goal, Outcome};
use cloud::figures::{float, milliseconds, thousands};
use cloud::progress::seconds;

/// Ninety-nine answers of a hundred come within this time.
const P99: Duration = Duration::from_millis(250);
/// Server connections of Postgres, at most.
const CONNECTIONS: u64 = 20;
/// Memory of an environment may grow by so many per cent between the second quarter of a run and the last.
const GROWTH_PERCENT: f64 = 10.0;
/// In a shorter run a process that warms up cannot be told from one that leaks.
const LONG_ENOUGH: Duration = Duration::from_mins(4);
/// After an outage the shop is not expected to be well at once: connections are opened anew, the cache is empty.
const RECOVERY: Duration = Duration::from_secs(10);

/// All promises. With outages, waiting is judged outside of them; an error is one at any time.
pub(super) fn goals(run: &Run) -> Vec<Goal> {
    let all = Summary::of(run.answers.iter());
    let mut goals = vec![Goal {
        promise: "no error but the limiter's 429".to_owned(),
        seen: format!("{} errors in {} requests", all.errors, all.requests),
        outcome: Outcome::of(all.errors == 0 && all.requests > 0),
    }];
    let well = Summary::of(run.answers.iter().filter(|answered| !run.is_ill(answered.at, RECOVERY)));
    let outside = if run.outages.is_empty() { "" } else { ", outages aside" };
    goals.push(Goal {
        promise: format!("99 of 100 answers within {} ms{outside}", P99.as_millis()),
        seen: format!("{:.1} ms", milliseconds(well.p99)),
        outcome: Outcome::of(well.p99 < P99),
    });
    let connections = run.moments.iter().filter_map(|moment| moment.connections).max();
    goals.push(Goal {
        promise: format!("at most {CONNECTIONS} server connections of Postgres"),
        seen: connections.map_or_else(|| "Postgres did not answer".to_owned(), |most| most.to_string()),
        outcome: Outcome::of(connections.is_some_and(|most| most <= CONNECTIONS)),
    });
    if run.length >= LONG_ENOUGH {
        goals.push(memory(&run.moments));
    }
    if let Some(Waited { all: Waits { orders, charged, median, longest }, .. }) = run.waited {
        let waits = format!(
            "half of them waited {} at most, and none longer than {}",
            seconds(median),
            seconds(longest)
        );
        goals.push(Goal {
            promise: "every order that was put off is charged in the end".to_owned(),
            seen: format!("{} of {}; {waits}", thousands(charged), thousands(orders)),
            outcome: Outcome::of(charged == orders),
        });
    }
    goals
}

/// Whether all of them hold.
pub(super) fn held(run: &Run) -> bool {
    goals(run).iter().all(|goal| goal.outcome == Outcome::Holds)
}

/// The memory of those environments that were there in the second quarter and in the last: they have their connections
/// and buffers by then, and one that came later is no growth of another.
fn memory(moments: &[Moment]) -> Goal {
    let quarter = moments.len() / 4;
    let early = averages(moments.get(quarter..2 * quarter).unwrap_or_default());
    let late = averages(moments.get(moments.len() - quarter..).unwrap_or_default());
    let both = || early.iter().filter_map(|(id, early)| Some((early, late.get(id)?)));
    let (early, late) = (mean(both().map(|(early, _)| *early)), mean(both().map(|(_, late)| *late)));
    let growth = if early > 0.0 { (late / early - 1.0) * 100.0 } else { 0.0 };
    Goal {
        promise: format!("flat memory: an environment grows by at most {GROWTH_PERCENT} %"),
        seen: format!("{early:.1} MB in the second quarter, {late:.1} MB in the last: {growth:+.1} %"),
        outcome: Outcome::of(early > 0.0 && growth <= GROWTH_PERCENT),
    }
}

/// Megabytes of each environment, on average.
fn averages(moments: &[Moment]) -> BTreeMap<u64, f64> {
    let mut looks: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for (id, kilobytes) in moments.iter().flat_map(|moment| &moment.memory) {
        looks.entry(*id).or_default().push(float(*kilobytes) / 1024.0);
    }
    looks.into_iter().map(|(id, looks)| (id, mean(looks.into_iter()))).collect()
}

/// The average; 0 of nothing.
pub(super) fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    if count > 0.0 { sum / count } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::super::answers::tests::answered;
    use super::super::outages::Outage;
    use super::*;
    use cloud::service::Service;

    /// All is well.
    fn run() -> Run {
        let moment = |second| Moment {
            at: Duration::from_secs(second),
            connections: Some(5),
            memory: (0..10).map(|id| (id, 8_000)).collect(),
            ..Moment::default()
        };
        Run {
            users: 10,
            length: LONG_ENOUGH,
            answers: (0..100).map(|second| answered(second, 200, 5)).collect(),
            moments: (0..100).map(moment).collect(),
            ..Run::default()
        }
    }

    fn broken(run: &Run) -> Vec<String> {
        goals(run)
            .into_iter()
            .filter(|goal| goal.outcome == Outcome::Broken)
            .map(|goal| goal.promise)
            .collect()
    }

    #[test]
    fn a_run_in_which_all_is_well_holds() {
        assert_eq!(broken(&run()), Vec::<String>::new());
        let mut refused = run();
        refused.answers.push(answered(50, 429, 1));
        assert_eq!(broken(&refused), Vec::<String>::new());
    }

    #[test]
    fn each_promise_can_be_broken() {
        let mut failing = run();
        failing.answers.push(answered(50, 500, 1));
        assert!(broken(&failing)[0].starts_with("no error"));

        let mut slow = run();
        slow.answers.extend([answered(50, 200, 250), answered(51, 200, 300)]);
        assert!(broken(&slow)[0].starts_with("99 of 100"));

        let mut crowded = run();
        crowded.moments[50].connections = Some(21);
        assert!(broken(&crowded)[0].starts_with("at most 20"));

        let mut leaking = run();
        for (second, moment) in (0..).zip(&mut leaking.moments) {
            moment.memory.insert(3, 8_000 + second * 200);
        }
        assert!(broken(&leaking)[0].starts_with("flat memory"));

        let mut lost = run();
        let all = Waits { orders: 2, charged: 1, ..Waits::default() };
        lost.waited = Some(Waited { all, ..Waited::default() });
        assert!(broken(&lost)[0].starts_with("every order"));
    }

    #[test]
    fn memory_is_not_judged_by_a_run_that_is_too_short() {
        let short = Run { length: LONG_ENOUGH / 2, ..run() };
        assert_eq!((goals(&run()).len(), goals(&short).len()), (4, 3));
    }

    #[test]
    fn larger_environments_that_come_later_are_no_growth() {
        let mut grown = run();
        for moment in &mut grown.moments[50..] {
            moment.memory.extend((10..20).map(|id| (id, 80_000)));
        }
        assert_eq!(broken(&grown), Vec::<String>::new());
    }

    #[test]
    fn waiting_is_forgiven_during_an_outage_and_errors_are_not() {
        let (from, to) = (Duration::from_secs(20), Duration::from_secs(40));
        let mut struck = run();
        struck.outages.push(Outage { service: Service::Redis, from, to });
        struck.answers.extend((20..50).map(|second| answered(second, 200, 400)));
        assert_eq!(broken(&struck), Vec::<String>::new());
        struck.answers.push(answered(30, 500, 1));
        assert_eq!(broken(&struck).len(), 1);
    }

    #[test]
    fn nothing_seen_is_nothing_held() {
        assert_eq!(broken(&Run { length: LONG_ENOUGH, ..Run::default() }).len(), 3);
    }
}
