//! The limiter of one environment, which takes over when Redis is away. It counts along while Redis answers, so an
//! outage does not hand every caller a fresh quota.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use super::Policy;
use super::window::{Reading, Window};

/// What an environment remembers of its callers, however many they are: a twentieth of all that it takes.
const MOST_BYTES: usize = 512 * 1024;

/// Beyond it any windows go, whether they are over or not: an attacker with that many addresses is limited by other
/// means. A map has up to 16 places for 7 entries, and a byte for each.
const MOST_WINDOWS: usize = MOST_BYTES / ((size_of::<Entry>() + 1) * 16 / 7);

/// A window with its length in milliseconds, by the number of its key.
type Entry = (u64, (u64, Window));

/// So few are not worth looking through.
const FEW_WINDOWS: usize = 256;

#[derive(Default)]
pub(super) struct Local(Mutex<Windows>);

/// The windows of the callers of late.
#[derive(Default)]
struct Windows {
    /// Makes a number of a key, another one in each process: two keys of one number share a window, and nobody can
    /// bring that about. It takes a tenth of what a key takes.
    numbers: RandomState,
    /// With each window's length in milliseconds.
    all: HashMap<u64, (u64, Window)>,
    /// With so many, those that are over are looked for.
    full: usize,
}

impl Local {
    /// Notes a call that Redis has allowed. `keys` are those of the caller's windows, one for each policy.
    pub(super) fn note(&self, keys: &[String], policies: &[Policy], now: u64) {
        self.windows(keys, policies, now, charge);
    }

    /// What the windows say by the degraded limits, charging nothing.
    pub(super) fn look(&self, keys: &[String], policies: &[Policy], now: u64) -> Vec<Reading> {
        self.windows(keys, policies, now, |windows| read(windows, policies))
    }

    /// Decides alone, by the degraded limits: charges all policies or none. Whether the call is allowed, and what
    /// the windows say.
    pub(super) fn check(&self, keys: &[String], policies: &[Policy], now: u64) -> (bool, Vec<Reading>) {
        self.windows(keys, policies, now, |windows| {
            let before = read(windows, policies);
            let allowed = before.iter().all(|reading| reading.wait == 0);
            if !allowed {
                return (false, before);
            }
            charge(windows);
            let after = read(windows, policies).into_iter().map(|reading| Reading { wait: 0, ..reading });
            (true, after.collect())
        })
    }

    fn windows<T>(
        &self,
        keys: &[String],
        policies: &[Policy],
        now: u64,
        act: impl FnOnce(&mut [&mut Window]) -> T,
    ) -> T {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        windows.make_room(now);
        let Windows { numbers, all, .. } = &mut *windows;
        // Taken out and put back: a map lends only one entry at a time.
        let mut taken: Vec<(u64, Window)> = keys
            .iter()
            .zip(policies)
            .map(|(key, policy)| {
                let key = numbers.hash_one(key);
                let mut window = all.remove(&key).map_or_else(|| Window::new(now), |(_, window)| window);
                window.advance(now, policy.window_ms());
                (key, window)
            })
            .collect();
        let result = act(&mut taken.iter_mut().map(|(_, window)| window).collect::<Vec<_>>());
        for ((key, window), policy) in taken.into_iter().zip(policies) {
            all.insert(key, (policy.window_ms(), window));
        }
        result
    }
}

fn read(windows: &[&mut Window], policies: &[Policy]) -> Vec<Reading> {
    let read =
        |(window, policy): (&&mut Window, &Policy)| window.read(policy.degraded_limit, policy.window_ms());
    windows.iter().zip(policies).map(read).collect()
}

fn charge(windows: &mut [&mut Window]) {
    for window in windows {
        window.charge();
    }
}

impl Windows {
    /// Drops the windows that are over whenever there may be twice as many as were left the last time. So an
    /// environment remembers the callers of the last minute or two, however long it lives and however many come by, and
    /// a call pays for looking at two windows on average.
    fn make_room(&mut self, now: u64) {
        if self.all.len() < self.full {
            return;
        }
        self.all.retain(|_, (length, window)| !window.is_over(now, *length));
        if self.all.len() >= MOST_WINDOWS {
            let mut excess = self.all.len() - MOST_WINDOWS / 2;
            self.all.retain(|_, _| {
                let keep = excess == 0;
                excess = excess.saturating_sub(1);
                keep
            });
        }
        self.full = (2 * self.all.len()).clamp(FEW_WINDOWS, MOST_WINDOWS);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Identity;
    use super::*;

    const API: Policy = Policy::per_minute("api", 100);
    const LOGIN: Policy = Policy::per_minute("login", 5).degraded(2);

    fn keys(caller: &str, policies: &[Policy]) -> Vec<String> {
        policies.iter().map(|policy| Identity::user(caller).key(policy)).collect()
    }

    #[test]
    fn it_is_stricter_where_the_policy_says_so() {
        let (local, keys) = (Local::default(), keys("ann", &[LOGIN]));
        let allowed = (0..5).filter(|_| local.check(&keys, &[LOGIN], 0).0).count();
        assert_eq!(allowed, 2);
    }

    #[test]
    fn it_charges_all_policies_or_none() {
        let local = Local::default();
        for _ in 0..5 {
            let _ = local.check(&keys("ann", &[LOGIN, API]), &[LOGIN, API], 0);
        }
        let (_, readings) = local.check(&keys("ann", &[API]), &[API], 0);
        assert_eq!(readings[0].used, 3, "the two that were allowed, and this one");
    }

    #[test]
    fn it_remembers_the_calls_that_redis_allowed() {
        let (local, keys) = (Local::default(), keys("ann", &[API]));
        for _ in 0..99 {
            local.note(&keys, &[API], 0);
        }
        assert!(local.check(&keys, &[API], 0).0);
        assert!(!local.check(&keys, &[API], 0).0);
    }

    #[test]
    fn it_takes_no_more_than_its_bytes_whatever_the_number_of_callers() {
        let local = Local::default();
        for caller in 0..25_000 {
            local.note(&keys(&caller.to_string(), &[API]), &[API], 0);
        }
        let windows = local.0.lock().expect("the windows");
        let places = windows.all.capacity() * 8 / 7;
        let bytes = places * (size_of::<Entry>() + 1);
        assert!((MOST_BYTES / 4..=MOST_BYTES).contains(&bytes), "{bytes} bytes");
        assert!(windows.all.len() > 1_000, "{} callers", windows.all.len());
    }

    #[test]
    fn it_forgets_the_callers_of_before_while_others_come() {
        let local = Local::default();
        // A thousand new callers a minute, for an hour.
        for caller in 0..60_000_u64 {
            local.note(&keys(&caller.to_string(), &[API]), &[API], caller * 60);
            assert!(remembered(&local) <= 2_300, "{} after {caller}", remembered(&local));
        }
    }

    fn remembered(local: &Local) -> usize {
        local.0.lock().expect("the windows").all.len()
    }
}
