use super::*;
use crate::bench::pairs;
use crate::bench::report::Latency;
use crate::bench::report::tests::{measured, report};

/// Ours where all is well, of these microseconds.
fn ours(cpu_us: f64) -> Figures {
    let (resident_kb, zip_bytes) = (8 * 1024, 2 * 1024 * 1024);
    let alone = Latency { p50_us: 3_000.0, p99_us: 9_000.0 };
    Figures { cpu_us, start_ms: 2.0, resident_kb, zip_bytes, alone, ..Figures::default() }
}

fn node(cpu_us: f64) -> Figures {
    Figures { cpu_us, start_ms: 90.0, ..Figures::default() }
}

/// A case whose rounds took so long each, while the empty handler took 50 µs and Node.js what it says.
fn case(name: &str, rounds: [f64; 3], node_us: Option<f64>) -> Measured {
    let mut case = measured(name, ours(rounds[1]), node_us.map(node));
    case.pairs.floor = pairs::of(&rounds, &[50.0; 3]);
    case.pairs.busy = pairs::of(&rounds, &node_us.map_or(Vec::new(), |node_us| vec![node_us; 3]));
    case.pairs.answer = case.pairs.busy.clone();
    case
}

/// All is well.
fn well() -> Vec<Measured> {
    vec![
        case(FLOOR.name, [50.0; 3], Some(60.0)),
        case(PRODUCT, [70.0, 71.0, 75.0], Some(300.0)),
        case("order list", [190.0, 195.0, 200.0], Some(800.0)),
        case("login", [11_000.0; 3], Some(11_000.0)),
        case("checkout, paid", [390.0, 400.0, 400.0], Some(1_200.0)),
        case("message of a paid order", [100.0; 3], None),
        case("GraphQL, orders with products", [300.0; 3], Some(1_200.0)),
        case("search, two words", [80.0; 3], Some(400.0)),
    ]
}

#[test]
fn graphql_has_a_larger_limit_than_other_reads() {
    assert_eq!(broken(but(6, |case| case.figures.zip_bytes = 5 << 19)), Vec::<String>::new());
}

fn broken(cases: Vec<Measured>) -> Vec<String> {
    let goals = goals(&report(cases)).into_iter();
    goals.filter(|goal| goal.outcome == Outcome::Broken).map(|goal| goal.promise).collect()
}

fn but(index: usize, change: impl Fn(&mut Measured)) -> Vec<Measured> {
    let mut cases = well();
    change(&mut cases[index]);
    cases
}

fn took(case: &mut Measured, rounds: [f64; 3]) {
    let pairs = &mut case.pairs;
    for measured in [&mut pairs.floor, &mut pairs.busy, &mut pairs.answer] {
        for (pair, ours) in measured.iter_mut().zip(rounds) {
            pair.ours = ours;
        }
    }
}

#[test]
fn a_goal_on_both_sides_of_which_rounds_lie_is_undecided() {
    for (cases, promise, seen) in [
        (
            but(1, |case| took(case, [70.0, 72.0, 80.0])),
            "product, cached: processor",
            "1.44 × (1.40 to 1.60)",
        ),
        (but(2, |case| took(case, [160.0, 200.0, 250.0])), "order list: processor", "4.0 × (3.2 to 5.0)"),
    ] {
        let goals = goals(&report(cases));
        let goal = goals.iter().find(|goal| goal.promise.starts_with(promise)).expect("a goal");
        assert_eq!(goal.outcome, Outcome::Undecided, "{goal:?}");
        assert!(goal.seen.ends_with(seen), "{goal:?}");
        assert!(goals.iter().all(|goal| goal.outcome != Outcome::Broken), "{goals:?}");
    }
}

#[test]
fn a_run_in_which_all_is_well_holds() {
    let goals = goals(&report(well()));
    assert!(goals.iter().all(|goal| goal.outcome == Outcome::Holds), "{goals:?}");
}

#[test]
fn each_goal_can_be_missed() {
    for (cases, promise) in [
        (but(1, |case| took(case, [76.0; 3])), "product, cached: processor time at most 1.5 ×"),
        (but(1, |case| case.figures.start_ms = 15.0), "product, cached: start to first answer under 15 ms"),
        (but(2, |case| took(case, [201.0; 3])), "order list: processor time 4 × less than Node's"),
        (
            but(1, |case| case.pairs.busy = pairs::of(&[70.0], &[279.0])),
            "product, cached: processor time 4 × less than Node's",
        ),
        (but(3, |case| took(case, [11_001.0; 3])), "login: processor time no more than Node's"),
        (but(4, |case| took(case, [401.0; 3])), "checkout, paid: processor time 3 × less than Node's"),
        (
            but(4, |case| case.pairs.answer = pairs::of(&[701.0], &[1_000.0])),
            "checkout, paid: p50 of an answer at most 0.7 × Node's",
        ),
        (but(2, |case| case.figures.resident_kb = 12 * 1024), "memory of an environment under 12 MB"),
        (but(4, |case| case.figures.resident_kb = 20 * 1024), "memory of an environment under 20 MB"),
        (but(2, |case| case.figures.zip_bytes = 9 << 18), "archive that is deployed under 2.2 MB, reads"),
        (but(6, |case| case.figures.zip_bytes = 3 << 20), "archive that is deployed under 3 MB, GraphQL"),
        (but(5, |case| case.figures.zip_bytes = 6 << 20), "archive that is deployed under 6 MB"),
        (but(7, |case| case.figures.alone.p50_us = 10_000.0), "p50 of an answer under 10 ms, searches"),
        (but(7, |case| case.figures.alone.p99_us = 40_000.0), "p99 of an answer under 40 ms, searches"),
    ] {
        let broken = broken(cases);
        assert!(broken[0].starts_with(promise), "{promise}: {broken:?}");
    }
    let slow = but(1, |case| case.figures.start_ms = 12.0);
    assert_eq!(broken(slow), ["product, cached: start to first answer 8 × sooner than Node's"]);
}

#[test]
fn a_checkouts_answer_is_not_judged_where_the_provider_takes_its_time() {
    let judged = |provider_delay_ms| {
        let goals = goals(&Report { provider_delay_ms, ..report(well()) });
        goals.iter().any(|goal| goal.promise.starts_with("checkout, paid: p50 of an answer"))
    };
    assert!(judged(None) && !judged(Some(300)));
}

#[test]
fn without_node_its_goals_are_not_measured() {
    let mut cases = well();
    for case in &mut cases {
        case.node = None;
        case.pairs.busy.clear();
        case.pairs.answer.clear();
    }
    let goals = goals(&report(cases));
    let unknown: Vec<_> = goals.iter().filter(|goal| goal.outcome == Outcome::NotMeasured).collect();
    assert_eq!(unknown.len(), 3);
    assert!(unknown.iter().all(|goal| goal.seen == "not measured; --node does"), "{unknown:?}");
}

#[test]
fn what_was_not_run_is_not_judged() {
    assert_eq!(goals(&report(vec![measured(FLOOR.name, ours(50.0), None)])), Vec::new());
}
