//! `--ceiling`: the largest number of users for whom every goal holds.

/// Two runs of the same number of users differ by more than a tenth.
const CLOSE: u64 = 10;
/// More than one machine lets in.
const MOST: u64 = 1_000_000;

/// What is known of the ceiling. Numbers are doubled until a goal gives out; then the gap is halved until it is small.
pub(super) struct Ceiling {
    first: u64,
    holds: u64,
    gives_out: Option<u64>,
}

impl Ceiling {
    /// Nothing is known. The first number to try is this one.
    pub(super) fn from(users: u64) -> Self {
        Self { first: users, holds: 0, gives_out: None }
    }

    /// The number to try next, or `None` where the ceiling is known closely enough.
    pub(super) fn next(&self) -> Option<u64> {
        let Self { first, holds, gives_out } = *self;
        match gives_out {
            None if holds == 0 => Some(first),
            None => (holds < MOST).then(|| (2 * holds).min(MOST)),
            Some(gives_out) => {
                (gives_out - holds > (holds / CLOSE).max(CLOSE)).then(|| holds.midpoint(gives_out))
            }
        }
    }

    /// So many users were let in, and every goal held, or not.
    pub(super) fn learn(&mut self, users: u64, held: bool) {
        if held {
            self.holds = users;
        } else {
            self.gives_out = Some(users);
        }
    }

    /// The largest number for which every goal held; 0 if there was none.
    pub(super) fn holds(&self) -> u64 {
        self.holds
    }

    /// The smallest number for which one did not.
    pub(super) fn gives_out(&self) -> Option<u64> {
        self.gives_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is tried from `first` users on by a shop that has this ceiling, and what is known then.
    fn search(first: u64, real: u64) -> (Vec<u64>, Ceiling) {
        let (mut ceiling, mut tried) = (Ceiling::from(first), Vec::new());
        while let Some(users) = ceiling.next() {
            tried.push(users);
            ceiling.learn(users, users <= real);
        }
        (tried, ceiling)
    }

    #[test]
    fn it_doubles_until_a_goal_gives_out_and_then_halves_the_gap() {
        let (tried, ceiling) = search(1_000, 5_300);
        assert_eq!(tried, [1_000, 2_000, 4_000, 8_000, 6_000, 5_000, 5_500]);
        assert_eq!((ceiling.holds(), ceiling.gives_out()), (5_000, Some(5_500)));
    }

    #[test]
    fn a_first_number_that_is_too_many_is_halved() {
        let (tried, ceiling) = search(1_000, 300);
        assert_eq!(tried, [1_000, 500, 250, 375, 312, 281, 296]);
        assert_eq!((ceiling.holds(), ceiling.gives_out()), (296, Some(312)));
    }

    #[test]
    fn it_comes_to_an_end_whatever_the_shop_can_do() {
        for real in [0, 7, 1_000_000, u64::MAX] {
            let (tried, ceiling) = search(10_000, real);
            assert!(tried.len() < 20, "{tried:?}");
            assert!(ceiling.holds() <= real);
        }
    }
}
