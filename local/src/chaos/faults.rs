//! What goes wrong, and when: the same for the same seed.

use std::time::Duration;

use super::dice::Dice;

/// Declares the faults with their names.
macro_rules! faults {
    ($($fault:ident = $name:literal,)+) => {
        /// Something that goes wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Fault {
            $(
                #[doc = $name]
                $fault,
            )+
        }

        impl Fault {
            /// All of them.
            pub(super) const ALL: &[Self] = &[$(Self::$fault,)+];

            /// What reports call it.
            pub(super) const fn name(self) -> &'static str {
                match self {
                    $(Self::$fault => $name,)+
                }
            }
        }
    };
}

faults! {
    ProviderRefuses = "provider: refuses connections",
    ProviderDies = "provider: killed and restarted",
    ProviderCuts = "provider: cuts the connection before acting",
    ProviderFails = "provider: 500, nothing done",
    ProviderFailsForEver = "provider: 500, nothing done, replayed for ever",
    ProviderIsSlow = "provider: slow",
    ProviderHangs = "provider: never answers, nothing done",
    ProviderLimits = "provider: 429",
    ProviderActsTwice = "provider: gets the request twice",
    ProviderActsAndCuts = "provider: acts, then cuts the connection",
    ProviderActsAndHangs = "provider: acts, then never answers",
    ProviderActsAndFails = "provider: acts, then answers 500",
    ProviderActsAndFailsForEver = "provider: acts, then answers 500, replayed for ever",
    ProviderActsAndGarbles = "provider: acts, then answers nonsense",
    ProviderForgetsKeys = "provider: idempotency keys pruned",
    WebhooksGoAstray = "webhooks: lost",
    WebhooksOvertake = "webhooks: late, three times, in any order",
    RedisDies = "Redis: killed and restarted empty",
    RedisPauses = "Redis: paused",
    RedisIsEmptied = "Redis: emptied",
    SqsDies = "SQS: killed and restarted empty",
    SqsPauses = "SQS: paused",
    SqsIsEmptied = "SQS: emptied",
    SqsRepeats = "SQS: old messages again, in any order",
    PgbouncerDies = "PgBouncer: killed and restarted",
    PgbouncerPauses = "PgBouncer: paused",
    PostgresDies = "Postgres: killed and restarted",
    PostgresPauses = "Postgres: paused",
    FunctionDies = "functions: a busy one killed",
    FunctionPauses = "functions: a busy one paused",
}

/// A fault with its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Planned {
    /// Since the shop opened.
    pub(super) at: Duration,
    pub(super) fault: Fault,
    pub(super) length: Duration,
}

/// Quiet before the first one: the first orders are to be paid.
const FIRST: Duration = Duration::from_secs(2);

/// The faults of a run of this length. Every kind comes once before any comes again, and the gaps are such that even a
/// short run has each at least once.
pub(super) fn schedule(seed: u64, length: Duration) -> Vec<Planned> {
    let mut dice = Dice::new(seed, 1);
    let kinds = u32::try_from(Fault::ALL.len()).unwrap_or(u32::MAX);
    // A fifth is kept for gaps that fall long.
    let gap = (length.saturating_sub(FIRST * 2) * 4 / 5 / kinds).min(Duration::from_millis(1_500));
    let gap = u32::try_from(gap.as_millis()).unwrap_or(u32::MAX);
    let (mut planned, mut at) = (Vec::new(), FIRST);
    loop {
        let mut deck = Fault::ALL.to_vec();
        dice.shuffle(&mut deck);
        for fault in deck {
            if at + FIRST > length {
                return planned;
            }
            planned.push(Planned { at, fault, length: dice.pause(400, 2_500) });
            at += dice.pause(gap / 2, gap + gap / 2 - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_names_one_schedule_and_another_seed_another() {
        let minute = Duration::from_mins(1);
        assert_eq!(schedule(7, minute), schedule(7, minute));
        assert_ne!(schedule(7, minute), schedule(8, minute));
    }

    #[test]
    fn every_kind_of_fault_is_in_a_short_run_and_none_outlasts_it() {
        let length = Duration::from_secs(45);
        for seed in 0..100 {
            let planned = schedule(seed, length);
            let hit = Fault::ALL.iter().filter(|fault| planned.iter().any(|plan| plan.fault == **fault));
            assert_eq!(hit.count(), Fault::ALL.len(), "seed {seed}");
            assert!(planned.iter().all(|plan| plan.at < length));
        }
    }
}
