//! What struck when, and so what was wrong in the world when a promise was broken.

use std::collections::BTreeMap;
use std::iter;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::Instant;

use super::faults::Fault;

/// How long a fault is felt after it has ended: leases run out, breakers close, messages come late.
const FELT: time::Duration = time::Duration::seconds(5);

/// A span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: OffsetDateTime,
    pub(super) to: OffsetDateTime,
}

impl Span {
    /// Just now.
    pub(super) fn now() -> Self {
        let now = OffsetDateTime::now_utc();
        Self { from: now, to: now }
    }

    /// At a moment of this process's clock.
    pub(super) fn at(moment: Instant) -> Self {
        let Self { from, .. } = Self::since(moment);
        Self { from, to: from }
    }

    /// Both, and what lies between.
    pub(super) fn and(self, other: Self) -> Self {
        Self { from: self.from.min(other.from), to: self.to.max(other.to) }
    }

    /// From a moment of this process's clock until now.
    pub(super) fn since(began: Instant) -> Self {
        let to = OffsetDateTime::now_utc();
        Self { from: to - began.elapsed(), to }
    }
}

/// Something that was promised and does not hold, and when it came about, as far as that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) what: String,
    pub(super) when: Option<Span>,
}

impl Violation {
    /// One of which only the whole run is known.
    pub(super) fn some_time(what: String) -> Self {
        Self { what, when: None }
    }
}

/// All strikes of a run, and when nothing was to strike.
#[derive(Clone, Debug, Default)]
pub(super) struct Chronicle {
    strikes: Vec<(Fault, Span)>,
    calms: Vec<Span>,
}

impl Chronicle {
    /// This one has struck then.
    pub(super) fn struck(&mut self, fault: Fault, span: Span) {
        self.strikes.push((fault, span));
    }

    /// Nothing was to strike then, and nobody to die.
    pub(super) fn rested(&mut self, span: Span) {
        self.calms.push(span);
    }

    /// Whether nothing struck in all that time, and nobody was to die.
    pub(super) fn is_calm(&self, Span { from, to }: Span) -> bool {
        self.calms.iter().any(|calm| calm.from <= from && to <= calm.to)
            && !self.strikes.iter().any(|(_, strike)| strike.from < to && from < strike.to)
    }

    /// The first moment, from the given one on, at which it has been calm for so long.
    pub(super) fn calm_for(&self, length: Duration, from: OffsetDateTime) -> Option<OffsetDateTime> {
        let begins = self.calms.iter().map(|calm| calm.from);
        let begins = begins.chain(self.strikes.iter().map(|(_, strike)| strike.to));
        let moments = iter::once(from).chain(begins.map(|begin| begin + length));
        let calm = |moment: &OffsetDateTime| self.is_calm(Span { from: *moment - length, to: *moment });
        moments.filter(|moment| *moment >= from && calm(moment)).min()
    }

    /// What ended last before a moment, and when.
    pub(super) fn last_before(&self, moment: OffsetDateTime) -> Option<(Fault, OffsetDateTime)> {
        let ended = self.strikes.iter().map(|(fault, strike)| (*fault, strike.to));
        ended.filter(|(_, end)| *end <= moment).max_by_key(|(_, end)| *end)
    }

    /// How often each struck.
    pub(super) fn counts(&self) -> BTreeMap<Fault, usize> {
        let mut counts = BTreeMap::new();
        for (fault, _) in &self.strikes {
            *counts.entry(*fault).or_default() += 1;
        }
        counts
    }

    /// A violation with its time since the shop opened, and the faults that were felt then.
    pub(super) fn tell(&self, violation: &Violation, opened: OffsetDateTime) -> String {
        let Violation { what, when } = violation;
        let Some(Span { from, to }) = when else { return what.clone() };
        let second = |at: OffsetDateTime| Duration::try_from(at - opened).unwrap_or_default().as_secs_f64();
        let felt = self.strikes.iter().filter(|(_, span)| span.from <= *to && *from <= span.to + FELT);
        let mut names: Vec<_> = felt.map(|(fault, _)| fault.name()).collect();
        names.sort_unstable();
        names.dedup();
        let names = if names.is_empty() { "nothing struck".to_owned() } else { names.join("; ") };
        format!("{what} (from {:.1} s to {:.1} s: {names})", second(*from), second(*to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from: i64, to: i64) -> Span {
        let second = |second| OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(second);
        Span { from: second(from), to: second(to) }
    }

    #[test]
    fn it_is_calm_where_nobody_was_to_die_and_nothing_struck_that_was_late() {
        let strikes = vec![(Fault::RedisDies, span(8, 12)), (Fault::SqsDies, span(20, 21))];
        let chronicle = Chronicle { strikes, calms: vec![span(10, 19), span(30, 40)] };
        assert!(chronicle.is_calm(span(12, 19)));
        for (from, to) in [(11, 15), (9, 11), (13, 20), (22, 25), (19, 30)] {
            assert!(!chronicle.is_calm(span(from, to)), "{from} to {to}");
        }
        assert_eq!(chronicle.last_before(span(0, 14).to), Some((Fault::RedisDies, span(0, 12).to)));
        assert_eq!(chronicle.last_before(span(0, 11).to), None);
    }

    #[test]
    fn it_has_been_calm_for_a_while_once_what_struck_is_over_for_so_long() {
        let strikes = vec![(Fault::RedisDies, span(8, 12)), (Fault::SqsDies, span(33, 34))];
        let chronicle = Chronicle { strikes, calms: vec![span(10, 19), span(30, 45)] };
        let calm_from = |second| {
            let moment = chronicle.calm_for(Duration::from_secs(5), span(second, second).from)?;
            Some((moment - OffsetDateTime::UNIX_EPOCH).whole_seconds())
        };
        for (from, calm) in [(0, 17), (17, 17), (18, 18), (20, 39), (40, 40)] {
            assert_eq!(calm_from(from), Some(calm), "from {from}");
        }
        assert_eq!(calm_from(46), None);
    }

    #[test]
    fn a_violation_is_told_with_its_time_and_the_faults_that_were_felt_then() {
        let opened = OffsetDateTime::UNIX_EPOCH;
        let strikes = vec![
            (Fault::RedisDies, span(1, 2)),
            (Fault::SqsPauses, span(9, 11)),
            (Fault::SqsPauses, span(12, 13)),
            (Fault::PostgresDies, span(30, 31)),
        ];
        let chronicle = Chronicle { strikes, calms: Vec::new() };
        let told = |when| chronicle.tell(&Violation { what: "lost".to_owned(), when }, opened);
        assert_eq!(told(Some(span(10, 20))), "lost (from 10.0 s to 20.0 s: SQS: paused)");
        assert_eq!(told(Some(span(5, 6))), "lost (from 5.0 s to 6.0 s: Redis: killed and restarted empty)");
        assert_eq!(told(Some(span(40, 41))), "lost (from 40.0 s to 41.0 s: nothing struck)");
        assert_eq!(told(None), "lost");
        assert_eq!(chronicle.counts()[&Fault::SqsPauses], 2);
    }
}
