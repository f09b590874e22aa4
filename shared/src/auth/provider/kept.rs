//! When the provider is asked for its keys, and for how long those count that are known. A machine without a clock.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// While one request asks, the others of its process go on with keys up to this age. Older ones are those of an
/// environment that slept, and nobody begins with them.
const SERVE_MEANWHILE: Duration = Duration::from_hours(1);

/// While the provider does not answer, keys serve up to this age: longer than an outage, and than any token is good.
const KEPT_FOR: Duration = Duration::from_hours(24);

/// The least time between two askings where no key is known, and so nobody can call.
const TRIED_AGAIN_AFTER: Duration = Duration::from_secs(2);

/// After an asking in vain nobody asks for so many times as long as it took, and for this long at most: those that come
/// meanwhile do not wait for a provider that hangs.
const RESTED_FOR: u32 = 5;
const LONGEST_REST: Duration = Duration::from_secs(10);

/// What is known, and since when.
pub(super) struct Kept<K> {
    keys: Option<(Arc<K>, SystemTime)>,
    /// When it was asked, or when an asking ended in vain.
    asked_at: Option<SystemTime>,
    /// The least time from then to the next asking, where no key is known.
    rest: Duration,
    /// Older keys are asked for again before they are used.
    fresh_for: Duration,
    /// The least time between two askings.
    ask_again_after: Duration,
}

/// Whether the provider should be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// No.
    Nothing,
    /// Yes, before the keys are used.
    Newer,
}

impl<K> Kept<K> {
    pub(super) fn new(fresh_for: Duration, ask_again_after: Duration) -> Self {
        Self { keys: None, asked_at: None, rest: TRIED_AGAIN_AFTER, fresh_for, ask_again_after }
    }

    /// The keys that may be used at `now`, and whether to ask for others.
    pub(super) fn at(&self, now: SystemTime) -> (Option<Arc<K>>, Need) {
        let Some((keys, since)) = &self.keys else { return (None, Need::Newer) };
        let need = match age(*since, now) {
            Some(age) if age > KEPT_FOR => return (None, Need::Newer),
            Some(age) if age <= self.fresh_for => Need::Nothing,
            // Another is asking, or has asked in vain.
            Some(age) if age <= SERVE_MEANWHILE && !self.is_due(now) => Need::Nothing,
            // A clock that was set back says nothing of their age.
            Some(_) | None => Need::Newer,
        };
        (Some(Arc::clone(keys)), need)
    }

    /// Whether it is time to ask, which is noted as done.
    pub(super) fn may_ask(&mut self, now: SystemTime) -> bool {
        let due = self.is_due(now);
        if due {
            self.asked_at = Some(now);
        }
        due
    }

    pub(super) fn learn(&mut self, keys: K, now: SystemTime) {
        self.keys = Some((Arc::new(keys), now));
    }

    /// Notes that the asking that began last has ended, and brought nothing.
    pub(super) fn asked_in_vain(&mut self, now: SystemTime) {
        let took = self.asked_at.and_then(|asked| age(asked, now)).unwrap_or_default();
        self.rest = took.saturating_mul(RESTED_FOR).clamp(TRIED_AGAIN_AFTER, LONGEST_REST);
        self.asked_at = Some(now);
    }

    fn is_due(&self, now: SystemTime) -> bool {
        let wait = if self.keys.is_some() { self.ask_again_after } else { self.rest };
        self.asked_at.and_then(|asked| age(asked, now)).is_none_or(|age| age >= wait)
    }
}

/// By wall clock, which runs on while an environment is frozen.
fn age(since: SystemTime, now: SystemTime) -> Option<Duration> {
    now.duration_since(since).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: SystemTime = SystemTime::UNIX_EPOCH;

    fn empty() -> Kept<&'static str> {
        Kept::new(Duration::from_mins(10), Duration::from_secs(30))
    }

    fn at(seconds: u64) -> SystemTime {
        START + Duration::from_secs(1_000_000 + seconds)
    }

    fn known() -> Kept<&'static str> {
        let mut kept = empty();
        assert!(kept.may_ask(at(0)));
        kept.learn("keys", at(0));
        kept
    }

    fn need(kept: &Kept<&str>, seconds: u64) -> (bool, Need) {
        let (keys, need) = kept.at(at(seconds));
        (keys.is_some(), need)
    }

    #[test]
    fn keys_are_used_for_ten_minutes_then_where_newer_ones_are_not_to_be_had_and_for_a_day_at_most() {
        let kept = known();
        for (seconds, expected) in [
            (0, (true, Need::Nothing)),
            (600, (true, Need::Nothing)),
            (601, (true, Need::Newer)),
            (86_400, (true, Need::Newer)),
            (86_401, (false, Need::Newer)),
        ] {
            assert_eq!(need(&kept, seconds), expected, "{seconds}");
        }
    }

    #[test]
    fn who_comes_while_another_asks_goes_on_with_keys_of_up_to_an_hour() {
        for (seconds, expected) in [(601, Need::Nothing), (3_600, Need::Nothing), (3_601, Need::Newer)] {
            let mut kept = known();
            assert!(kept.may_ask(at(seconds)));
            assert_eq!(need(&kept, seconds), (true, expected), "{seconds}");
        }
    }

    #[test]
    fn the_provider_is_asked_twice_in_a_minute_at_most_whatever_comes() {
        let mut kept = known();
        let asked = (0..60).filter(|second| kept.may_ask(at(*second))).count();
        assert_eq!(asked, 1, "and once before");
    }

    #[test]
    fn while_no_key_is_known_it_is_tried_again_soon() {
        let mut kept = empty();
        let asked: Vec<u64> = (0..5).filter(|second| kept.may_ask(at(*second))).collect();
        assert_eq!(asked, [0, 2, 4]);
    }

    #[test]
    fn who_waits_for_a_provider_that_hangs_is_one_of_many() {
        let (mut kept, mut free_at, mut asked) = (empty(), 0, Vec::new());
        for second in 0..40 {
            if second >= free_at && kept.may_ask(at(second)) {
                asked.push(second);
                free_at = second + 2;
                kept.asked_in_vain(at(free_at));
            }
        }
        assert_eq!(asked, [0, 12, 24, 36]);
        // One that refuses at once holds nobody up, nor does an environment that was frozen meanwhile rest for long.
        let mut kept = empty();
        assert!(kept.may_ask(at(0)));
        kept.asked_in_vain(at(0));
        assert!(!kept.may_ask(at(1)) && kept.may_ask(at(2)));
        kept.asked_in_vain(at(50_000));
        assert!(!kept.may_ask(at(50_009)) && kept.may_ask(at(50_010)));
    }

    #[test]
    fn a_provider_that_is_away_is_not_asked_by_every_request() {
        let mut kept = known();
        assert_eq!(need(&kept, 700), (true, Need::Newer));
        assert!(kept.may_ask(at(700)));
        kept.asked_in_vain(at(702));
        assert_eq!(need(&kept, 731), (true, Need::Nothing));
        assert_eq!(need(&kept, 732), (true, Need::Newer));
    }

    #[test]
    fn after_the_clock_was_set_back_the_keys_are_asked_for() {
        let mut kept = known();
        assert_eq!(kept.at(START), (Some(Arc::new("keys")), Need::Newer));
        assert!(kept.may_ask(START));
    }
}
