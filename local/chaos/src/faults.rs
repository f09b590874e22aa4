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
    ProviderForgetsKeys = "provider: idempotency keys forgotten after a day",
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
    LeasesRunOut = "Postgres: its clock jumps, all leases run out",
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

/// The kinds whose names hold one of the words; all of them where there are no words.
pub(super) fn chosen(words: &[String]) -> Vec<Fault> {
    let holds_one =
        |fault: &Fault| words.is_empty() || words.iter().any(|word| fault.name().contains(word.as_str()));
    Fault::ALL.iter().copied().filter(holds_one).collect()
}

/// The faults of a run of this length, of these kinds. Every kind comes once before any comes again, and the gaps are
/// such that even a short run has each at least once.
pub(super) fn schedule(seed: u64, length: Duration, kinds: &[Fault]) -> Vec<Planned> {
    let mut dice = Dice::new(seed, 1);
    let count = u32::try_from(kinds.len()).unwrap_or(u32::MAX).max(1);
    // A fifth is kept for gaps that fall long.
    let gap = (length.saturating_sub(FIRST * 2) * 4 / 5 / count).min(Duration::from_millis(1_500));
    let gap = u32::try_from(gap.as_millis()).unwrap_or(u32::MAX);
    let (mut planned, mut at) = (Vec::new(), FIRST);
    loop {
        let mut deck = kinds.to_vec();
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
        assert_eq!(schedule(7, minute, Fault::ALL), schedule(7, minute, Fault::ALL));
        assert_ne!(schedule(7, minute, Fault::ALL), schedule(8, minute, Fault::ALL));
    }

    #[test]
    fn words_choose_the_kinds_of_faults_that_strike() {
        let redis = chosen(&["Redis".to_owned()]);
        assert_eq!(redis, [Fault::RedisDies, Fault::RedisPauses, Fault::RedisIsEmptied]);
        let planned = schedule(7, Duration::from_mins(1), &redis);
        assert!(planned.len() > 20 && planned.iter().all(|plan| redis.contains(&plan.fault)));
        assert_eq!(chosen(&[]), Fault::ALL);
        assert!(chosen(&["no such fault".to_owned()]).is_empty());
    }

    #[test]
    fn every_kind_of_fault_is_in_a_short_run_and_none_outlasts_it() {
        let length = Duration::from_secs(45);
        for seed in 0..100 {
            let planned = schedule(seed, length, Fault::ALL);
            let hit = Fault::ALL.iter().filter(|fault| planned.iter().any(|plan| plan.fault == **fault));
            assert_eq!(hit.count(), Fault::ALL.len(), "seed {seed}");
            assert!(planned.iter().all(|plan| plan.at < length));
        }
    }
}
