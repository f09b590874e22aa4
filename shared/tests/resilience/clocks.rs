//! The limiter from many threads, under a clock that steps back while they race.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use redis::Script;
use shared::rate_limit::{BUCKETS, Window};

use crate::server::Server;

const THREADS: usize = 16;
const LIMIT: u32 = 20;
const WINDOW: u64 = 300;
/// Calls that get through before a race ends: five windows' at least.
const ENOUGH: usize = 5 * LIMIT as usize;

/// True time, while the clock that the limiter sees loses up to half a second every 0.7 s.
struct Race {
    began: Instant,
    admitted: AtomicUsize,
}

impl Race {
    fn new() -> Self {
        Self { began: Instant::now(), admitted: AtomicUsize::new(0) }
    }

    /// In milliseconds since the beginning.
    fn elapsed(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).expect("a short test")
    }

    fn admit(&self) {
        self.admitted.fetch_add(1, Ordering::SeqCst);
    }

    fn goes_on(&self) -> bool {
        self.admitted.load(Ordering::SeqCst) < ENOUGH
    }

    /// Runs `caller` in many threads while the clock steps back, and returns what they have seen.
    fn run<T: Send>(&self, mut step_back: impl FnMut(u64), caller: impl Fn(&mut Vec<T>) + Sync) -> Vec<T> {
        let all = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    let mut seen = Vec::new();
                    while self.goes_on() {
                        caller(&mut seen);
                    }
                    all.lock().expect("the list").extend(seen);
                });
            }
            while self.goes_on() {
                thread::sleep(Duration::from_millis(700));
                step_back(fastrand::u64(0..500));
            }
        });
        all.into_inner().expect("the list")
    }
}

#[test]
fn in_process_no_window_sees_more_than_the_limit() {
    let (race, lost) = (Race::new(), AtomicU64::new(0));
    let window = Mutex::new(Window::new(1_700_000_000_000));
    let step_back = |ms| {
        lost.fetch_add(ms, Ordering::SeqCst);
    };
    let mut admitted = race.run(step_back, |seen| {
        let mut window = window.lock().expect("the window");
        let elapsed = race.elapsed();
        window.advance(1_700_000_000_000 + elapsed - lost.load(Ordering::SeqCst), WINDOW);
        if window.read(LIMIT, WINDOW).wait == 0 {
            window.charge();
            race.admit();
            seen.push(elapsed);
        }
    });
    admitted.sort_unstable();
    for span in admitted.windows(LIMIT as usize + 1) {
        assert!(span[LIMIT as usize] - span[0] >= WINDOW, "{span:?}");
    }
}

/// Redis' clock, behind by what the test writes under a key: read inside the script, as the real one is.
const CHECK: &str = concat!(
    "local function clock()\n",
    "  local time, lost = redis.call('TIME'), redis.call('GET', '{one}:lost') or 0\n",
    "  return time[1] * 1000 + math.floor(time[2] / 1000) - lost\n",
    "end\n",
    include_str!("../../src/rate_limit/check.lua"),
);

#[test]
fn on_redis_no_window_sees_more_than_the_limit() {
    let (server, script, race) = (Server::start(), Script::new(CHECK), Race::new());
    let step_back = |ms: u64| {
        server.query::<i64>(&["INCRBY", "{one}:lost", &ms.to_string()]);
    };
    let mut admitted = race.run(step_back, |seen: &mut Vec<(u64, u64)>| {
        let mut redis = server.raw();
        for _ in 0..200 {
            let sent = race.elapsed();
            let mut call = script.key("{one}:caller");
            let reply: Vec<u64> =
                call.arg(BUCKETS).arg(LIMIT).arg(WINDOW).invoke(&mut redis).expect("the script runs");
            if reply[0] == 1 {
                race.admit();
                seen.push((sent, race.elapsed()));
            }
        }
    });
    admitted.sort_unstable();
    // The admission lies somewhere between sending and the answer: only what is surely too dense counts.
    for span in admitted.windows(LIMIT as usize + 1) {
        let last_back = span.iter().map(|call| call.1).max().expect("calls");
        assert!(last_back - span[0].0 >= WINDOW, "{span:?}");
    }
}
