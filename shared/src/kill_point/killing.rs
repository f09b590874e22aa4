//! Dying at a kill point, as `MILLRACE_KILL` orders: `seed=7 first=0.5 again=0.01 log=/path`.
//!
//! A point at which this function never died yet is fatal with the probability `first`, any other with `again`. Each
//! death adds a line `<function> <point>` to the log. Without that file nothing dies: removing it ends the dying of
//! processes that run already.

use std::{
    env,
    fs::{self, OpenOptions},
    io::Write,
    path::PathBuf,
    sync::{Mutex, OnceLock, PoisonError},
    thread,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::KillPoint;

struct Orders {
    function: String,
    log: PathBuf,
    first: f64,
    again: f64,
    dice: Mutex<fastrand::Rng>,
}

pub(super) fn consider(point: KillPoint) {
    static ORDERS: OnceLock<Option<Orders>> = OnceLock::new();
    let orders = ORDERS.get_or_init(|| Orders::read(&env::var("MILLRACE_KILL").ok()?));
    if let Some(orders) = orders
        && orders.condemn(point)
    {
        die();
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
            dice: Mutex::new(fastrand::Rng::with_seed(seed.wrapping_add(std::process::id().into()))),
        })
    }

    /// Decides, and writes a death down before it happens.
    fn condemn(&self, point: KillPoint) -> bool {
        let Ok(deaths) = fs::read_to_string(&self.log) else { return false };
        let death = format!("{} {}", self.function, point.name());
        let chance = if deaths.lines().any(|line| line == death) { self.again } else { self.first };
        if self.dice.lock().unwrap_or_else(PoisonError::into_inner).f64() >= chance {
            return false;
        }
        let log = OpenOptions::new().append(true).open(&self.log);
        log.is_ok_and(|mut log| log.write_all(format!("{death}\n").as_bytes()).is_ok())
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
