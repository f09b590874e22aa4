//! How long the entries of one kind live.

use std::time::Duration;

/// By this share a value is fresh for longer or shorter, by chance.
pub(super) const JITTER: f64 = 0.1;

/// The settings of one kind of cache entry.
#[derive(Clone, Copy, Debug)]
pub struct Region {
    /// The first part of the keys, and what logs call it.
    pub name: &'static str,
    /// How long a value is served without question. Jittered by ±10 %, so that entries stored together do not expire
    /// together.
    pub fresh: Duration,
    /// How long after that it may still be served, while one caller refreshes it or the origin fails.
    pub stale: Duration,
    /// How long "there is no such thing" is believed. Short: it is the cheapest entry to ask for by guessing ids.
    pub not_found: Duration,
    /// How long one caller may take to fill before another takes over. Longer than the slowest healthy origin read;
    /// what the readers of a cold entry lose when the filling environment dies.
    pub lease: Duration,
    /// How long the origin is left alone after it failed, as long as there is a stale value to serve.
    pub rest: Duration,
    /// How long a reader waits for another's fill, unless its own deadline is earlier. Longer than the lease, so that
    /// a filler's death makes one reader take over and not all of them.
    pub wait: Duration,
    /// Whether one change may make any of the entries old, so that all of them go at once: see
    /// [`Cache::renew`](super::Cache::renew). All their keys share a hash tag, and so lie on one node of a cluster.
    pub in_generations: bool,
}

impl Region {
    /// The defaults: 5 minutes fresh, as long stale, 10 s for what is not there, 2 s for a fill
    /// (an indexed read takes about 1 ms), 1 s of rest, 3 s of waiting.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            fresh: Duration::from_mins(5),
            stale: Duration::from_mins(5),
            not_found: Duration::from_secs(10),
            lease: Duration::from_secs(2),
            rest: Duration::from_secs(1),
            wait: Duration::from_secs(3),
            in_generations: false,
        }
    }

    /// The same region with another time to live, fresh and stale.
    #[must_use]
    pub const fn fresh_for(self, fresh: Duration) -> Self {
        Self { fresh, stale: fresh, ..self }
    }

    /// The same region, for entries made of many things each, such as answers to searches.
    #[must_use]
    pub const fn in_generations(self) -> Self {
        Self { in_generations: true, ..self }
    }

    /// The furthest ahead that any time in an entry lies: one beyond it nobody of ours has written, or Redis' clock was
    /// set back.
    pub(super) fn longest(&self) -> Duration {
        let found = self.fresh.mul_f64(1.0 + JITTER) + self.stale;
        found.max(self.not_found.mul_f64(1.0 + JITTER)).max(self.rest)
    }

    pub(super) fn key(&self, key: &str) -> String {
        match self.generation() {
            Some(generation) => format!("{generation}:{key}"),
            None => format!("cache:{}:{key}", self.name),
        }
    }

    /// Where the region's generation is kept. The tag keeps it beside the entries, because one script asks for both.
    pub(super) fn generation(&self) -> Option<String> {
        self.in_generations.then(|| format!("cache:{{{}}}", self.name))
    }
}
