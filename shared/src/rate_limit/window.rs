//! The sliding window, in process: the same arithmetic as `check.lua`, which is tested against it.

/// Buckets of a window. More make it sharper and larger: the window is effectively longer by one bucket, 1/12.
pub const BUCKETS: usize = 12;

/// The calls of one caller under one policy.
#[derive(Clone, Debug)]
pub struct Window {
    last: u64,
    offset: u64,
    /// Newest first; the oldest has partly left the window and is counted in full.
    counts: [u32; BUCKETS + 1],
}

/// What a window says about one more call. Times in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Calls that count.
    pub used: u32,
    /// Until the oldest calls leave and some quota returns; 0 when nothing is used.
    pub reset: u64,
    /// Until a further call is allowed; 0 when it is allowed now.
    pub wait: u64,
}

impl Window {
    /// An empty one, at `real`.
    #[must_use]
    pub fn new(real: u64) -> Self {
        Self { last: real, offset: 0, counts: [0; BUCKETS + 1] }
    }

    /// When the last bucket has left, a window is as good as new.
    #[must_use]
    pub fn is_over(&self, real: u64, length: u64) -> bool {
        real + self.offset >= self.last + width(length) * (BUCKETS as u64 + 1)
    }

    /// Moves on to `real`, the milliseconds of a clock that may step back; the window's own time never does.
    pub fn advance(&mut self, real: u64, length: u64) {
        self.offset += self.last.saturating_sub(real + self.offset);
        let now = real + self.offset;
        let passed = now / width(length) - self.last / width(length);
        let passed = usize::try_from(passed).unwrap_or(usize::MAX).min(self.counts.len());
        self.counts.rotate_right(passed);
        self.counts[..passed].fill(0);
        self.last = now;
    }

    /// Counts one call at the time of the last [`Window::advance`].
    pub fn charge(&mut self) {
        self.counts[0] = self.counts[0].saturating_add(1);
    }

    /// What it says about one more call, at the time of the last [`Window::advance`].
    #[must_use]
    pub fn read(&self, limit: u32, length: u64) -> Reading {
        let used = self.used();
        let wait = if used >= limit { self.wait_until(limit, length) } else { 0 };
        Reading { used, reset: if used > 0 { self.wait_until(used, length) } else { 0 }, wait }
    }

    fn used(&self) -> u32 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Until fewer than `below` calls are left.
    fn wait_until(&self, below: u32, length: u64) -> u64 {
        let width = width(length);
        let mut left = self.used();
        for (age, count) in self.counts.iter().enumerate().rev() {
            left -= count;
            if left < below {
                // Age is at most the number of buckets, so nothing here is negative.
                return (self.last / width + 1 + BUCKETS as u64 - age as u64) * width - self.last;
            }
        }
        (BUCKETS as u64 + 1) * width
    }
}

fn width(length: u64) -> u64 {
    length.div_ceil(BUCKETS as u64).max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: u64 = 60_000;

    fn call(window: &mut Window, now: u64, limit: u32) -> bool {
        window.advance(now, MINUTE);
        let allowed = window.read(limit, MINUTE).wait == 0;
        if allowed {
            window.charge();
        }
        allowed
    }

    #[test]
    fn it_says_exactly_how_long_to_wait() {
        let mut window = Window::new(0);
        for now in [1_000, 2_000, 17_000] {
            assert!(call(&mut window, now, 3));
        }
        window.advance(20_000, MINUTE);
        let wait = window.read(3, MINUTE).wait;
        assert_eq!(wait, 45_000, "the first bucket [0, 5 s) leaves at 65 s");
        assert!(!call(&mut window.clone(), 20_000 + wait - 1, 3));
        assert!(call(&mut window, 20_000 + wait, 3));
    }

    #[test]
    fn a_clock_that_steps_back_does_not_lock_a_caller_out() {
        let mut window = Window::new(10_000_000);
        assert!(call(&mut window, 10_000_000, 1));
        assert!(!call(&mut window, 5_000_000, 1));
        assert!(call(&mut window, 5_000_000 + 65_000, 1));
    }

    proptest! {
        #[test]
        fn no_span_of_the_window_sees_more_than_the_limit(
            steps in prop::collection::vec((0_u64..9_000, prop::option::weighted(0.05, 0_u64..200_000)), 1..300),
            limit in 1_u32..8,
        ) {
            // `elapsed` is true time; the clock loses what it steps back.
            let (mut elapsed, mut clock) = (0_u64, 1_000_000_000_u64);
            let (mut window, mut admitted) = (Window::new(clock), Vec::new());
            for (pause, back) in steps {
                elapsed += pause;
                clock = clock + pause - back.unwrap_or(0);
                if call(&mut window, clock, limit) {
                    admitted.push(elapsed);
                }
            }
            for span in admitted.windows(limit as usize + 1) {
                prop_assert!(span[limit as usize] - span[0] > MINUTE - 1);
            }
        }
    }
}
