//! Everything that a run decides at random comes from its seed.

use std::time::Duration;

/// A source of decisions.
pub(super) struct Dice(fastrand::Rng);

impl Dice {
    /// The dice of one part of a run: the same seed and part throw the same.
    pub(super) fn new(seed: u64, part: u64) -> Self {
        // Seeds that differ by one must not throw alike: each is spread over all bits first (splitmix64).
        let mut spread = seed.wrapping_add(part.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        spread = (spread ^ (spread >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        spread = (spread ^ (spread >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self(fastrand::Rng::with_seed(spread ^ (spread >> 31)))
    }

    /// Whether something happens that does so in so many cases of a hundred.
    pub(super) fn percent(&mut self, share: u32) -> bool {
        self.0.u32(0..100) < share
    }

    /// From `least` to `most`.
    pub(super) fn number(&mut self, least: u32, most: u32) -> u32 {
        self.0.u32(least..=most)
    }

    /// From `least` to `most` milliseconds.
    pub(super) fn pause(&mut self, least: u32, most: u32) -> Duration {
        Duration::from_millis(self.number(least, most).into())
    }

    /// One of these, by its weight.
    pub(super) fn weighted<T: Copy>(&mut self, choices: &[(u32, T)]) -> Option<T> {
        let total: u32 = choices.iter().map(|(weight, _)| weight).sum();
        let mut left = self.0.u32(0..total.max(1));
        choices.iter().find_map(|(weight, choice)| {
            let hit = left < *weight;
            left = left.saturating_sub(*weight);
            hit.then_some(*choice)
        })
    }

    /// Puts these in another order.
    pub(super) fn shuffle<T>(&mut self, list: &mut [T]) {
        self.0.shuffle(list);
    }

    /// A name that no other throw has.
    pub(super) fn name(&mut self) -> String {
        format!("{:032x}", self.0.u128(..))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_part_throw_the_same_and_others_differ() {
        let name = |seed, part| Dice::new(seed, part).name();
        assert_eq!(name(7, 1), name(7, 1));
        assert_ne!(name(7, 1), name(7, 2));
        assert_ne!(name(7, 1), name(8, 1));
    }

    #[test]
    fn weights_are_kept() {
        let mut dice = Dice::new(1, 1);
        let mut counts = [0_u32; 2];
        for _ in 0..10_000 {
            counts[dice.weighted(&[(90, 0), (10, 1)]).expect("a choice")] += 1;
        }
        assert!((8_700..9_300).contains(&counts[0]), "{counts:?}");
        assert_eq!(dice.weighted::<u8>(&[]), None);
    }
}
