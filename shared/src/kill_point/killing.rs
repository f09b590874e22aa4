//! Dying at a kill point, as `MILLRACE_KILL` orders: `seed=7 first=0.5 again=0.01 stall=0.01 log=/path`.
//!
//! Whether somebody dies follows from the seed and the place (function, point, how many have died there, how often
//! this process was there), so a seed names who dies. A point at which this function never died yet is fatal with the
//! probability `first`, any other with `again`. Each death adds a line `<function> <point>` to the log. With the
//! probability `stall` the process stands still here for a while, so that others overtake it, and goes on. Without
//! the log nothing of it happens: removing it ends the dying of processes that run already.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;
use std::{env, thread};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Shorter than any function's time limit, longer than most of what others do meanwhile.
const STALL_MS: RangeInclusive<u64> = 200..=3_000;

/// What happens at a point, where anything does.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Death,
    Stall(Duration),
}

struct Orders {
    function: String,
    log: PathBuf,
    first: f64,
    again: f64,
    stall: f64,
    seed: u64,
    /// How often this process was at each point.
    reached: Mutex<HashMap<String, u64>>,
}

pub(super) fn consider(point: &str) {
    static ORDERS: OnceLock<Option<Orders>> = OnceLock::new();
    let orders = ORDERS.get_or_init(|| Orders::read(&env::var("MILLRACE_KILL").ok()?));
    match orders.as_ref().and_then(|orders| orders.fate(point)) {
        Some(Fate::Death) => die(),
        // The only thread: nothing of this process moves, as when its host is out of breath.
        Some(Fate::Stall(length)) => thread::sleep(length),
        None => {}
    }
}

impl Orders {
    fn read(text: &str) -> Option<Self> {
        let value = |name: &str| text.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        let seed: u64 = value("seed")?.parse().ok()?;
        Some(Self {
            function: env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default(),
            log: value("log")?.into(),
            first: value("first")?.parse().ok()?,
            again: value("again")?.parse().ok()?,
            stall: value("stall")?.parse().ok()?,
            seed,
            reached: Mutex::default(),
        })
    }

    fn dice(&self, place: &str, died: usize) -> fastrand::Rng {
        let mut reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        let times = reached.entry(place.to_owned()).or_default();
        *times += 1;
        // The same in every process, unlike a map's.
        let mut hasher = DefaultHasher::new();
        (self.seed, place, died, *times).hash(&mut hasher);
        fastrand::Rng::with_seed(hasher.finish())
    }

    /// Decides, and writes a death down before it happens.
    fn fate(&self, point: &str) -> Option<Fate> {
        let deaths = fs::read_to_string(&self.log).ok()?;
        let death = format!("{} {}", self.function, point);
        let died = deaths.lines().filter(|line| *line == death).count();
        let chance = if died > 0 { self.again } else { self.first };
        let mut dice = self.dice(&death, died);
        let throw = dice.f64();
        if throw < chance {
            let mut log = OpenOptions::new().append(true).open(&self.log).ok()?;
            log.write_all(format!("{death}\n").as_bytes()).ok()?;
            return Some(Fate::Death);
        }
        (throw < chance + self.stall).then(|| Fate::Stall(Duration::from_millis(dice.u64(STALL_MS))))
    }
}

/// Like a power cut: nothing is flushed, closed or answered.
fn die() -> ! {
    // The signal cannot be caught, and to oneself it is delivered before the call returns, or at once after.
    let _ = kill(Pid::this(), Signal::SIGKILL);
    loop {
        thread::park();
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    /// A process under orders, and its log of deaths.
    fn process(orders: &str) -> (Orders, TempDir) {
        let folder = TempDir::new().expect("a folder");
        let log = folder.path().join("deaths");
        fs::write(&log, "").expect("written");
        let orders = Orders::read(&format!("{orders} log={}", log.display())).expect("orders");
        (orders, folder)
    }

    /// What happens at two points, each passed a hundred times.
    fn fates(orders: &str) -> Vec<Option<Fate>> {
        let (orders, _folder) = process(orders);
        (0..100).flat_map(|_| ["after-place", "after-settle"]).map(|point| orders.fate(point)).collect()
    }

    #[test]
    fn the_seed_and_the_place_say_who_dies() {
        let chances = "first=0.3 again=0.2 stall=0.2";
        let seven = fates(&format!("seed=7 {chances}"));
        assert!(seven.contains(&Some(Fate::Death)) && seven.contains(&None), "{seven:?}");
        assert!(seven.iter().any(|fate| matches!(fate, Some(Fate::Stall(_)))), "{seven:?}");
        assert_eq!(fates(&format!("seed=7 {chances}")), seven);
        assert_ne!(fates(&format!("seed=8 {chances}")), seven);
        let of = |point| seven.iter().skip(point).step_by(2).collect::<Vec<_>>();
        assert_ne!(of(0), of(1), "each point has a fate of its own");
    }

    #[test]
    fn where_somebody_has_died_already_the_other_chance_counts() {
        let (orders, folder) = process("seed=7 first=1 again=0 stall=0");
        assert_eq!([orders.fate("after-place"), orders.fate("after-place")], [Some(Fate::Death), None]);
        assert_eq!(orders.fate("after-settle"), Some(Fate::Death), "nobody has died there");
        let deaths = fs::read_to_string(folder.path().join("deaths")).expect("a log");
        assert_eq!(deaths.split_whitespace().collect::<Vec<_>>(), ["after-place", "after-settle"]);
    }

    #[test]
    fn nobody_dies_once_the_log_is_gone() {
        let (orders, folder) = process("seed=7 first=1 again=1 stall=1");
        drop(folder);
        assert_eq!(orders.fate("after-place"), None);
    }
}
