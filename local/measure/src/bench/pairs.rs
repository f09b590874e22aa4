//! Two figures of rounds that were measured one right after the other, and what their ratios say.
//!
//! A machine is slower in one minute than in the next, and two programs that are measured a minute apart differ by that
//! too. So what is compared is measured in turn, and each round is compared with its neighbour alone.

use serde::{Deserialize, Serialize};

use crate::goal::Outcome;
use cloud::figures::percentile;

/// Ours, and the round of another one beside it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Pair {
    pub(super) ours: f64,
    pub(super) other: f64,
}

/// Each round with its neighbour.
pub(super) fn of(ours: &[f64], other: &[f64]) -> Vec<Pair> {
    ours.iter().zip(other).map(|(&ours, &other)| Pair { ours, other }).collect()
}

/// How ratios lie: the middle one, and the lowest and the highest without one outlier on either side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) low: f64,
    pub(super) middle: f64,
    pub(super) high: f64,
}

impl Spread {
    /// How many times the other one ours is; `None` where nothing was measured.
    pub(super) fn times(pairs: &[Pair]) -> Option<Self> {
        Self::of(pairs.iter().map(|pair| pair.ours / pair.other).collect())
    }

    /// How many times less than the other one ours is.
    pub(super) fn times_less(pairs: &[Pair]) -> Option<Self> {
        Self::of(pairs.iter().map(|pair| pair.other / pair.ours).collect())
    }

    fn of(mut ratios: Vec<f64>) -> Option<Self> {
        ratios.retain(|ratio| ratio.is_finite() && *ratio > 0.0);
        ratios.sort_unstable_by(f64::total_cmp);
        // Of few nothing can be left out.
        let outliers = usize::from(ratios.len() > 4);
        let (low, high) = (*ratios.get(outliers)?, *ratios.get(ratios.len() - 1 - outliers)?);
        Some(Self { low, middle: percentile(&ratios, 50)?, high })
    }

    /// Whether it is at most so much.
    pub(super) fn at_most(self, limit: f64) -> Outcome {
        match self {
            Self { high, .. } if high <= limit => Outcome::Holds,
            Self { low, .. } if low > limit => Outcome::Broken,
            _ => Outcome::Undecided,
        }
    }

    /// Whether it is at least so much.
    pub(super) fn at_least(self, limit: f64) -> Outcome {
        match self {
            Self { low, .. } if low >= limit => Outcome::Holds,
            Self { high, .. } if high < limit => Outcome::Broken,
            _ => Outcome::Undecided,
        }
    }

    /// In words: `3.1 × (2.9 to 3.4)`.
    pub(super) fn words(self, decimals: usize) -> String {
        let Self { low, middle, high } = self;
        format!("{middle:.decimals$} × ({low:.decimals$} to {high:.decimals$})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(ratios: &[f64]) -> Spread {
        let other = vec![100.0; ratios.len()];
        let ours: Vec<_> = ratios.iter().map(|ratio| ratio * 100.0).collect();
        Spread::times(&of(&ours, &other)).expect("ratios")
    }

    #[test]
    fn a_machine_that_gets_slower_moves_both_of_a_pair_and_not_their_ratio() {
        let (ours, other) = ([10.0, 20.0, 40.0], [20.0, 40.0, 80.0]);
        assert_eq!(Spread::times(&of(&ours, &other)), Some(Spread { low: 0.5, middle: 0.5, high: 0.5 }));
        assert_eq!(Spread::times_less(&of(&ours, &other)), Some(Spread { low: 2.0, middle: 2.0, high: 2.0 }));
    }

    #[test]
    fn one_busy_moment_on_either_side_is_left_out_where_there_are_enough_rounds() {
        let five = spread(&[1.25, 9.0, 0.25, 1.5, 1.75]);
        assert_eq!(five, Spread { low: 1.25, middle: 1.5, high: 1.75 });
        assert_eq!(five.words(2), "1.50 × (1.25 to 1.75)");
        assert_eq!(spread(&[1.0, 9.0, 2.0]), Spread { low: 1.0, middle: 2.0, high: 9.0 });
    }

    #[test]
    fn a_goal_within_the_spread_is_undecided() {
        let seen = spread(&[1.25, 1.5, 1.75]);
        for (limit, at_most, at_least) in [
            (1.0, Outcome::Broken, Outcome::Holds),
            (1.25, Outcome::Undecided, Outcome::Holds),
            (1.5, Outcome::Undecided, Outcome::Undecided),
            (1.75, Outcome::Holds, Outcome::Undecided),
            (2.0, Outcome::Holds, Outcome::Broken),
        ] {
            assert_eq!((seen.at_most(limit), seen.at_least(limit)), (at_most, at_least), "{limit}");
        }
    }

    #[test]
    fn what_was_not_measured_says_nothing() {
        assert_eq!(Spread::times(&[]), None);
        assert_eq!(Spread::times(&[Pair { ours: 1.0, other: 0.0 }]), None);
        assert_eq!(of(&[1.0, 2.0], &[3.0]), [Pair { ours: 1.0, other: 3.0 }]);
    }
}
