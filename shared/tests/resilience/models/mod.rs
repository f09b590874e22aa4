//! Every interleaving of a few callers, within bounds, explored by a model checker.

mod breaker;
mod cache;
mod order;
mod placing;

use std::collections::{HashSet, VecDeque};
use std::fmt::Debug;
use std::hash::Hash;

use stateright::{Checker, Expectation, Model, Property};

/// Explores all states, prints how many there are, and fails with the shortest history that breaks a property.
#[expect(clippy::print_stdout, reason = "a test's own words, which are shown when they are asked for")]
fn check<M>(name: &str, model: M)
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + Hash + PartialEq + Send + Sync,
    M::Action: Clone + Debug + PartialEq + Send + Sync,
{
    let checker = model.checker().threads(2).spawn_bfs().join();
    println!(
        "{name}: {} states, {} of them different, {} steps deep",
        checker.state_count(),
        checker.unique_state_count(),
        checker.max_depth(),
    );
    checker.assert_properties();
}

/// Prints the shortest history that breaks a property where a guard is missing, and which. Fails if there is none. (The
/// checker's own are short, and not the shortest.)
#[expect(clippy::print_stdout, reason = "a test's own words, which are shown when they are asked for")]
fn shortest<M: Model>(missing: &str, model: &M)
where
    M::State: Clone + Eq + Hash,
    M::Action: Copy + Debug,
{
    let must_hold = |property: &Property<M>| property.expectation == Expectation::Always;
    let properties: Vec<_> = model.properties().into_iter().filter(must_hold).collect();
    let mut seen: HashSet<M::State> = model.init_states().into_iter().collect();
    let mut next: VecDeque<_> = seen.iter().map(|state| (state.clone(), Vec::new())).collect();
    while let Some((state, history)) = next.pop_front() {
        if let Some(broken) = properties.iter().find(|property| !(property.condition)(model, &state)) {
            println!("without {missing}, not: {}", broken.name);
            for action in history {
                println!("    {action:?}");
            }
            return;
        }
        let mut actions = Vec::new();
        model.actions(&state, &mut actions);
        for action in actions {
            let Some(after) = model.next_state(&state, action) else { continue };
            if seen.insert(after.clone()) {
                next.push_back((after, [history.as_slice(), &[action]].concat()));
            }
        }
    }
    panic!("nothing needs {missing}");
}
