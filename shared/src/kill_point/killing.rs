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
