//! The numbers of users that one program is tried with, and the runs that came of it.
//!
//! | module | holds |
//! |---|---|
//! | `text`, `page` | the runs of one or two programs beside each other; for the terminal; for the browser |
//! | `curves` | the page's drawings |

mod curves;
pub(super) mod page;
pub(super) mod text;

use super::arguments::Arguments;
use super::ceiling::Ceiling;
use super::run::Run;
use super::verdict::held;

/// See the module.
pub(super) struct Sweep {
    /// The version of Node.js whose twins serve; none where our functions do.
    pub(super) node: Option<String>,
    plan: Plan,
    /// In the order in which they were made.
    pub(super) runs: Vec<Run>,
}

/// Which numbers are tried.
enum Plan {
    Listed(Vec<u64>),
    Ceiling(Ceiling),
}

impl Sweep {
    /// Nothing is tried yet.
    pub(super) fn new(node: Option<String>, arguments: &Arguments) -> Self {
        let users = &arguments.users;
        let plan = if arguments.ceiling {
            Plan::Ceiling(Ceiling::from(users[0]))
        } else {
            Plan::Listed(users.clone())
        };
        Self { node, plan, runs: Vec::new() }
    }

    /// How many users are let in next; `None` if all is known.
    pub(super) fn next(&self) -> Option<u64> {
        match &self.plan {
            Plan::Listed(users) => users.get(self.runs.len()).copied(),
            Plan::Ceiling(ceiling) => ceiling.next(),
        }
    }

    /// They were let in.
    pub(super) fn add(&mut self, run: Run) {
        if let Plan::Ceiling(ceiling) = &mut self.plan {
            ceiling.learn(run.users, held(&run));
        }
        self.runs.push(run);
    }

    /// Where it was looked for.
    pub(super) fn ceiling(&self) -> Option<&Ceiling> {
        match &self.plan {
            Plan::Listed(_) => None,
            Plan::Ceiling(ceiling) => Some(ceiling),
        }
    }

    /// Whether the promises are kept: by every run, or, since a ceiling is found by going above it, by one.
    pub(super) fn held(&self) -> bool {
        self.ceiling().map_or_else(|| self.runs.iter().all(held), |ceiling| ceiling.holds() > 0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::answers::tests::answered;
    use super::super::processors::tests::busy;
    use super::super::watch::Moment;
    use super::*;

    pub(super) const NODE: &str = "v22.11.0";

    pub(super) fn arguments(users: &[u64], ceiling: bool) -> Arguments {
        let users = users.to_vec();
        Arguments {
            users,
            ceiling,
            node: true,
            minutes: 1.0,
            faults: false,
            provider_limit: 25,
            save: false,
            no_build: true,
            scale: 1,
        }
    }

    /// All is well, or every request takes too long.
    pub(super) fn run(node: Option<&str>, users: u64, well: bool) -> Run {
        let took_ms = if well { 5 } else { 400 };
        let moment = |second| Moment {
            at: Duration::from_secs(second),
            connections: Some(5),
            busy: busy(0.5),
            ..Moment::default()
        };
        Run {
            node: node.map(str::to_owned),
            users,
            length: Duration::from_mins(1),
            answers: (0..60).map(|second| answered(second, 200, took_ms)).collect(),
            moments: (1..=60).map(moment).collect(),
            ..Run::default()
        }
    }

    /// The search for a ceiling that is there, from 500 users on.
    pub(super) fn sweep(node: Option<&str>, real: u64) -> Sweep {
        let mut sweep = Sweep::new(node.map(str::to_owned), &arguments(&[500], true));
        while let Some(users) = sweep.next() {
            sweep.add(run(node, users, users <= real));
        }
        sweep
    }

    #[test]
    fn listed_numbers_are_tried_in_their_order_and_all_have_to_hold() {
        let mut sweep = Sweep::new(None, &arguments(&[20, 10], false));
        assert_eq!(sweep.next(), Some(20));
        sweep.add(run(None, 20, true));
        assert!(sweep.held() && sweep.ceiling().is_none());
        assert_eq!(sweep.next(), Some(10));
        sweep.add(run(None, 10, false));
        assert!(sweep.next().is_none() && !sweep.held());
    }

    #[test]
    fn a_ceiling_is_learnt_from_runs_and_held_if_one_of_them_was() {
        let found = sweep(None, 900);
        let tried: Vec<_> = found.runs.iter().map(|run| run.users).collect();
        assert_eq!(tried, [500, 1_000, 750, 875, 937]);
        let ceiling = found.ceiling().map(|ceiling| (ceiling.holds(), ceiling.gives_out()));
        assert_eq!((ceiling, found.held()), (Some((875, Some(937))), true));
        assert!(!sweep(None, 0).held());
    }
}
