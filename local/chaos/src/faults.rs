//! What goes wrong, and when: the same for the same seed.

use std::ops::Range;
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
    ProviderLineSlows = "provider: its line is slow",
    ProviderLineBreaks = "provider: its line breaks in the middle of what is sent",
    ProviderLineHoldsBack = "provider: its line holds back what is sent",
    ProviderForgetsKeys = "provider: idempotency keys forgotten after a day",
    WebhooksGoAstray = "webhooks: lost",
    WebhooksOvertake = "webhooks: late, three times, in any order",
    RedisDies = "Redis: killed and restarted empty",
    RedisPauses = "Redis: paused",
    RedisIsEmptied = "Redis: emptied",
    RedisLineSlows = "Redis: its line is slow",
    RedisLineBreaks = "Redis: its line breaks in the middle of what is sent",
    RedisLineHoldsBack = "Redis: its line holds back what is sent",
    SqsDies = "SQS: killed and restarted empty",
    SqsPauses = "SQS: paused",
    SqsIsEmptied = "SQS: emptied",
    SqsRepeats = "SQS: old messages again, in any order",
    PgbouncerDies = "PgBouncer: killed and restarted",
    PgbouncerPauses = "PgBouncer: paused",
    PostgresDies = "Postgres: killed and restarted",
    PostgresPauses = "Postgres: paused",
    PostgresLineSlows = "Postgres: its line is slow",
    PostgresLineBreaks = "Postgres: its line breaks in the middle of what is sent",
    PostgresLineHoldsBack = "Postgres: its line holds back what is sent",
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

/// The strikes of a run, and when nothing strikes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Schedule {
    pub(super) strikes: Vec<Planned>,
    /// Since the shop opened. Nobody dies at a kill point either. Another one comes after everything.
    pub(super) calms: Vec<Range<Duration>>,
}

/// Quiet before the first one: the first orders are to be paid.
const FIRST: Duration = Duration::from_secs(2);
/// Nothing strikes for so long, once every kind has struck: long enough for what is felt of it to pass, and for many
/// customers to come afterwards.
pub(super) const CALM: Duration = Duration::from_secs(13);
/// And then something does, for at least so long.
const BETWEEN: Duration = Duration::from_secs(30);

/// The kinds whose names hold one of the words; all of them where there are no words.
pub(super) fn chosen(words: &[String]) -> Vec<Fault> {
    let holds_one =
        |fault: &Fault| words.is_empty() || words.iter().any(|word| fault.name().contains(word.as_str()));
    Fault::ALL.iter().copied().filter(holds_one).collect()
}

/// The faults of a run of this length, of these kinds. Every kind comes once before any comes again, and the gaps are
/// such that even a short run has each at least once. Between two decks there is a calm, if the last one was long ago.
pub(super) fn schedule(seed: u64, length: Duration, kinds: &[Fault]) -> Schedule {
    let mut dice = Dice::new(seed, 1);
    let end = length.saturating_sub(FIRST);
    let count = u32::try_from(kinds.len()).unwrap_or(u32::MAX).max(1);
    // A fifth is kept for gaps that fall long.
    let gap = (end.saturating_sub(FIRST) * 4 / 5 / count).min(Duration::from_millis(1_500));
    let gap = u32::try_from(gap.as_millis()).unwrap_or(u32::MAX);
    // The provider's strikes come one after the other: where gaps are short, so are they.
    let longest = (gap * 3).clamp(500, 2_500);
    let (mut schedule, mut at, mut calm) = (Schedule::default(), FIRST, Duration::ZERO);
    while at < end {
        let mut deck = kinds.to_vec();
        dice.shuffle(&mut deck);
        for fault in deck {
            if at < end {
                schedule.strikes.push(Planned { at, fault, length: dice.pause(400, longest) });
                at += dice.pause(gap / 2, gap + gap / 2 - 1);
            }
        }
        if at > calm + BETWEEN && at + CALM + BETWEEN < end {
            schedule.calms.push(at..at + CALM);
            at += CALM;
            calm = at;
        }
    }
    schedule
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
        let line = [Fault::RedisLineSlows, Fault::RedisLineBreaks, Fault::RedisLineHoldsBack];
        assert_eq!(redis[..3], [Fault::RedisDies, Fault::RedisPauses, Fault::RedisIsEmptied]);
        assert_eq!(redis[3..], line);
        let planned = schedule(7, Duration::from_mins(1), &redis).strikes;
        assert!(planned.len() > 20 && planned.iter().all(|plan| redis.contains(&plan.fault)));
        assert_eq!(chosen(&[]), Fault::ALL);
        assert!(chosen(&["no such fault".to_owned()]).is_empty());
    }

    #[test]
    fn every_kind_of_fault_is_in_a_short_run_and_none_outlasts_it() {
        let length = Duration::from_secs(24);
        for seed in 0..100 {
            let Schedule { strikes, calms } = schedule(seed, length, Fault::ALL);
            let hit = Fault::ALL.iter().filter(|fault| strikes.iter().any(|plan| plan.fault == **fault));
            assert_eq!(hit.count(), Fault::ALL.len(), "seed {seed}");
            assert!(strikes.iter().all(|plan| plan.at < length) && calms.is_empty());
        }
    }

    #[test]
    fn nothing_strikes_in_a_calm_and_a_long_run_has_many() {
        for seed in 0..100 {
            let Schedule { strikes, calms } = schedule(seed, Duration::from_mins(10), Fault::ALL);
            assert!(calms.len() > 5, "seed {seed}: {calms:?}");
            assert!(strikes.iter().all(|plan| !calms.iter().any(|calm| calm.contains(&plan.at))));
        }
    }
}
