//! What customers were answered, and how long they waited for it, counted from when they wanted to ask.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cloud::figures::percentile;
use customers::journeys::Journey;

/// The status that stands for no answer: the function died, took too long, or never came to it.
pub(super) const NONE: u16 = 0;

/// One request and what came of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answered {
    /// When it was due, since the beginning.
    pub(super) at: Duration,
    pub(super) journey: Journey,
    /// HTTP's, or [`NONE`].
    pub(super) status: u16,
    /// From when it was due, not from when it was sent: a request that had to wait for its turn has waited.
    pub(super) took: Duration,
    /// Of which: until it was sent. The generator's own fault.
    pub(super) late: Duration,
}

impl Answered {
    /// The limiter's refusal is not an error, and neither is an order that is charged later.
    pub(super) fn is_error(&self) -> bool {
        !matches!(self.status, 200..400 | 429)
    }
}

/// All of them, as they come in. Ten minutes of a thousand a second are 35 MB: they are kept, so percentiles are exact.
#[derive(Default)]
pub(super) struct Answers(Mutex<Vec<Answered>>);

impl Answers {
    pub(super) fn add(&self, answered: Answered) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(answered);
    }

    /// Those after the first so many.
    pub(super) fn after(&self, seen: usize) -> Vec<Answered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(seen..).unwrap_or_default().to_vec()
    }
}

/// Many answers, in figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) requests: usize,
    pub(super) errors: usize,
    pub(super) p50: Duration,
    pub(super) p95: Duration,
    pub(super) p99: Duration,
    pub(super) longest: Duration,
    /// The 99th percentile of what the generator added.
    pub(super) late: Duration,
    pub(super) by_status: BTreeMap<u16, usize>,
}

impl Summary {
    pub(super) fn of<'a>(answers: impl Iterator<Item = &'a Answered>) -> Self {
        let (mut took, mut late, mut summary) = (Vec::new(), Vec::new(), Self::default());
        for answered in answers {
            took.push(answered.took);
            late.push(answered.late);
            summary.errors += usize::from(answered.is_error());
            *summary.by_status.entry(answered.status).or_default() += 1;
        }
        took.sort_unstable();
        late.sort_unstable();
        let of = |percent| percentile(&took, percent).unwrap_or_default();
        let late = percentile(&late, 99).unwrap_or_default();
        Self {
            requests: took.len(),
            p50: of(50),
            p95: of(95),
            p99: of(99),
            longest: of(100),
            late,
            ..summary
        }
    }

    pub(super) fn with_status(&self, status: u16) -> usize {
        self.by_status.get(&status).copied().unwrap_or_default()
    }
}

/// A status in words.
pub(super) fn status_name(status: u16) -> String {
    match status {
        NONE => "no answer".to_owned(),
        202 => "202 charged later".to_owned(),
        429 => "429 limited".to_owned(),
        _ => status.to_string(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What came of a look at a product, which was sent when it was due.
    pub(in super::super) fn answered(second: u64, status: u16, took_ms: u64) -> Answered {
        let (at, took) = (Duration::from_secs(second), Duration::from_millis(took_ms));
        Answered { at, journey: Journey::Product, status, took, late: Duration::ZERO }
    }

    #[test]
    fn only_refusals_of_the_limiter_are_no_errors_among_failures() {
        for (status, is_error) in [
            (200, false),
            (202, false),
            (304, false),
            (429, false),
            (404, true),
            (409, true),
            (500, true),
            (NONE, true),
        ] {
            assert_eq!(answered(0, status, 1).is_error(), is_error, "{status}");
        }
    }

    #[test]
    fn a_summary_counts_by_status_and_tells_what_was_waited() {
        let answers: Vec<_> = (1..=100).map(|ms| answered(0, if ms > 98 { 503 } else { 200 }, ms)).collect();
        let summary = Summary::of(answers.iter());
        assert_eq!((summary.requests, summary.errors, summary.with_status(503)), (100, 2, 2));
        let ms = Duration::from_millis;
        assert_eq!((summary.p50, summary.p99, summary.longest), (ms(50), ms(99), ms(100)));
        assert_eq!(Summary::of([].iter()), Summary::default());
    }
}
