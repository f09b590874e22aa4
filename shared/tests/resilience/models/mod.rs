//! Every interleaving of a few callers, within bounds, explored by a model checker.

mod breaker;
mod cache;
mod order;

use std::fmt::Debug;
use std::hash::Hash;

use stateright::{Checker, Model};

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
