use super::*;
use crate::bench::report::tests::{measured, report};

/// Ours where all is well, of these microseconds.
fn ours(cpu_us: f64) -> Figures {
    let (resident_kb, zip_bytes) = (8 * 1024, 2 * 1024 * 1024);
    Figures { cpu_us, start_ms: 2.0, resident_kb, zip_bytes, ..Figures::default() }
}

fn node(cpu_us: f64) -> Figures {
    Figures { cpu_us, start_ms: 90.0, ..Figures::default() }
}

/// All is well.
fn well() -> Vec<Measured> {
    vec![
        measured(FLOOR.name, ours(50.0), Some(node(60.0))),
        measured(PRODUCT, ours(70.0), Some(node(200.0))),
        measured("order list", ours(200.0), Some(node(800.0))),
        measured("login", ours(11_000.0), Some(node(11_000.0))),
        measured("checkout, paid", ours(400.0), Some(node(1_200.0))),
        measured("message of a paid order", ours(100.0), None),
    ]
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

#[test]
fn a_run_in_which_all_is_well_holds() {
    let goals = goals(&report(well()));
    assert!(goals.iter().all(|goal| goal.outcome == Outcome::Holds), "{goals:?}");
}

#[test]
fn each_goal_can_be_missed() {
    for (cases, promise) in [
        (but(1, |case| case.figures.cpu_us = 76.0), "product, cached: processor time at most 1.5 ×"),
        (but(1, |case| case.figures.start_ms = 15.0), "product, cached: start to first answer under 15 ms"),
        (but(2, |case| case.figures.cpu_us = 201.0), "order list: processor time 4 × less than Node's"),
        (but(4, |case| case.figures.cpu_us = 401.0), "checkout, paid: processor time 3 × less than Node's"),
        (but(2, |case| case.figures.resident_kb = 12 * 1024), "memory of an environment under 12 MB"),
        (but(4, |case| case.figures.resident_kb = 20 * 1024), "memory of an environment under 20 MB"),
        (but(2, |case| case.figures.zip_bytes = 3 << 20), "archive that is deployed under 3 MB"),
        (but(5, |case| case.figures.zip_bytes = 6 << 20), "archive that is deployed under 6 MB"),
    ] {
        let broken = broken(cases);
        assert!(broken[0].starts_with(promise), "{promise}: {broken:?}");
    }
    let slow = but(1, |case| case.figures.start_ms = 12.0);
    assert_eq!(broken(slow), ["product, cached: start to first answer 8 × sooner than Node's"]);
}

#[test]
fn a_login_is_judged_by_nobody_for_argon2ids_time() {
    assert_eq!(broken(but(3, |case| case.figures.cpu_us = 20_000.0)), Vec::<String>::new());
}

#[test]
fn without_node_its_goals_are_not_measured() {
    let mut cases = well();
    for case in &mut cases {
        case.node = None;
    }
    let goals = goals(&report(cases));
    let unknown: Vec<_> = goals.iter().filter(|goal| goal.outcome == Outcome::NotMeasured).collect();
    assert_eq!(unknown.len(), 2);
    assert!(unknown.iter().all(|goal| goal.seen == "not measured; --node does"), "{unknown:?}");
}

#[test]
fn what_was_not_run_is_not_judged() {
    assert_eq!(goals(&report(vec![measured(FLOOR.name, ours(50.0), None)])), Vec::new());
}
