//! What a provider lets through, and how it is shared out.

/// So many calls in a second, whichever second it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u32);

/// Who asks for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Somebody waits for the answer.
    Interactive,
    /// Somebody was answered already: an order that was put off.
    Background,
}

/// What a class has of a bucket for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Tokens that flow in each second.
    pub rate: u32,
    /// Tokens that are kept at most.
    pub burst: u32,
}

impl Limit {
    /// Below it there is not enough for two classes.
    pub const LEAST: u32 = 5;

    /// `None`: less than [`Limit::LEAST`].
    #[must_use]
    pub fn new(calls_a_second: u32) -> Option<Self> {
        (calls_a_second >= Self::LEAST).then_some(Self(calls_a_second))
    }

    /// What flows in each second for both classes together, and so for one of them while the other needs nothing.
    #[must_use]
    pub fn flow(self) -> u32 {
        self.share(Class::Interactive).rate + self.share(Class::Background).rate
    }

    /// The class's share. A second sees at most what was kept and what flows in meanwhile, which of both classes
    /// together is the limit: a fifth is kept for bursts, and the rest flows. A quarter of that belongs to orders that
    /// were put off, or they would wait for ever behind new ones.
    #[must_use]
    pub fn share(self, class: Class) -> Share {
        let background_burst = 1;
        let interactive_burst = (self.0 / 5).saturating_sub(background_burst).max(1);
        let rate = self.0 - interactive_burst - background_burst;
        let background = (rate / 4).max(1);
        match class {
            Class::Interactive => Share { rate: rate - background, burst: interactive_burst },
            Class::Background => Share { rate: background, burst: background_burst },
        }
    }
}

impl Class {
    /// As the scripts know it.
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Interactive => 1,
            Self::Background => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_and_what_flows_in_are_the_limit_and_no_class_has_nothing() {
        assert_eq!(Limit::new(Limit::LEAST - 1), None);
        for calls in Limit::LEAST..1_000 {
            let limit = Limit::new(calls).expect("enough");
            let [ours, theirs] = [Class::Interactive, Class::Background].map(|class| limit.share(class));
            assert_eq!(ours.rate + ours.burst + theirs.rate + theirs.burst, calls);
            assert!(
                [ours.rate, ours.burst, theirs.rate, theirs.burst].iter().all(|some| *some > 0),
                "{calls}"
            );
        }
    }

    #[test]
    fn of_twenty_five_calls_fifteen_are_for_customers_and_five_for_orders_that_wait() {
        let limit = Limit::new(25).expect("enough");
        assert_eq!(limit.share(Class::Interactive), Share { rate: 15, burst: 4 });
        assert_eq!(limit.share(Class::Background), Share { rate: 5, burst: 1 });
        assert_eq!(limit.flow(), 20);
    }
}
