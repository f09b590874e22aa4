//! Whether the shop answers its customers while nothing strikes it.
//!
//! Leases, breakers and dead connections of the last fault may be felt for five seconds. Whoever decides to buy
//! after that has an answer within three, whatever it took to get: an order, a declined card, nothing left. And no
//! single request waits for longer then, not even one that was sent while something struck: its customer has an answer,
//! if only “try again”, or knows that none will come. (A shop whose environments are all held up is found by those who
//! wait already, because its customers decide to buy nothing meanwhile.)
//!
//! The three are seconds of the machine's time ([`super::canary`]). A wait into which the next fault strikes says
//! nothing.

use std::time::Duration;

use time::OffsetDateTime;

use super::audit::Figure;
use super::canary::MachineClock;
use super::chronicle::{Chronicle, Span, Violation};
use super::witness::{Purchase, Submission};

/// How long nothing has struck.
pub(super) const QUIET: Duration = Duration::from_secs(5);
/// And then a checkout is answered within so long.
const WITHIN: Duration = Duration::from_secs(3);

/// What struck when, and how fast the machine was.
pub(super) struct Calm<'a> {
    pub(super) chronicle: &'a Chronicle,
    pub(super) clock: &'a MachineClock,
}

impl Calm<'_> {
    /// What became of the purchases that fall into a calm.
    pub(super) fn purchases(&self, purchases: &[Purchase]) -> Figure {
        let promise = "while nothing strikes for five seconds, a checkout is answered within three";
        let waits = purchases.iter().map(|Purchase { key, begun, answered, .. }| Wait {
            key,
            begun: *begun,
            judged_from: *begun,
            answered: *answered,
        });
        self.figure(promise, waits)
    }

    /// What became of the submissions that were under way in a calm.
    pub(super) fn submissions(&self, submissions: &[Submission]) -> Figure {
        let promise =
            "while nothing strikes for five seconds, no request for a checkout waits longer than three";
        let waits = submissions.iter().filter_map(|Submission { key, sent, ended }| {
            let judged_from = self.chronicle.calm_for(QUIET, *sent).filter(|calm| calm <= ended)?;
            Some(Wait { key, begun: *sent, judged_from, answered: Some(*ended) })
        });
        self.figure(promise, waits)
    }

    fn figure<'a>(&self, promise: &'static str, waits: impl Iterator<Item = Wait<'a>>) -> Figure {
        let judged: Vec<_> = waits.filter_map(|wait| self.judge(&wait)).collect();
        Figure {
            promise,
            checked: judged.len(),
            violations: judged.into_iter().filter_map(Result::err).collect(),
        }
    }

    /// `None`: a fault was felt, struck meanwhile, or the wait was not over when all was.
    fn judge(&self, &Wait { key, begun, judged_from, answered }: &Wait) -> Option<Result<(), Violation>> {
        // None on a machine that was so slow that it did not come before the end.
        let deadline = self.clock.after(judged_from, WITHIN);
        let in_time = answered.is_some_and(|answered| deadline.is_none_or(|deadline| answered <= deadline));
        let decided = if in_time { answered } else { deadline }?;
        if !self.chronicle.is_calm(Span { from: judged_from - QUIET, to: decided }) {
            return None;
        }
        if in_time {
            return Some(Ok(()));
        }
        let waited = answered.map_or_else(
            || "waited in vain".to_owned(),
            |answered| format!("waited for {:.1} s", (answered - begun).as_seconds_f64()),
        );
        let last = self.chronicle.last_before(judged_from).map_or_else(String::new, |(fault, ended)| {
            let ago = (judged_from - ended).as_seconds_f64();
            format!("; what struck last was “{}”, over for {ago:.1} s", fault.name())
        });
        let what = format!("key {key} {waited}{last}");
        Some(Err(Violation { what, when: Some(Span { from: begun, to: answered.unwrap_or(decided) }) }))
    }
}

/// Somebody waits for an answer.
struct Wait<'a> {
    key: &'a str,
    begun: OffsetDateTime,
    /// As if it had begun then.
    judged_from: OffsetDateTime,
    answered: Option<OffsetDateTime>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::canary::Beat;
    use crate::faults::Fault;

    /// So many milliseconds after something has struck, for no time at all.
    fn at(ms: u64) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + Duration::from_millis(ms)
    }

    /// How many were looked at, and what is told of those that were not answered in time. The calm lasts for twenty
    /// seconds; `slow`: how much slower the machine was than it can be.
    fn judged(slow: u64, judge: impl Fn(&Calm) -> Figure) -> (usize, Vec<String>) {
        let mut chronicle = Chronicle::default();
        chronicle.struck(Fault::RedisDies, Span { from: at(0), to: at(0) });
        chronicle.rested(Span { from: at(0), to: at(20_000) });
        let beat = |second: u64| Beat {
            span: Span { from: at(second * 1_000), to: at((second + 1) * 1_000) },
            took: Duration::from_millis(if second == 0 { 5 } else { 5 * slow }),
        };
        let clock = MachineClock::new((0..40).map(beat).collect());
        let figure = judge(&Calm { chronicle: &chronicle, clock: &clock });
        (figure.checked, figure.violations.into_iter().map(|violation| violation.what).collect())
    }

    /// A purchase.
    fn told(begun: u64, answered: Option<u64>, slow: u64) -> (usize, Vec<String>) {
        let purchase = Purchase {
            user: 1,
            key: "key".to_owned(),
            body: json!({}),
            begun: at(begun),
            answered: answered.map(at),
            unheard: false,
            said: Vec::new(),
            cancelled: None,
        };
        judged(slow, |calm| calm.purchases(std::slice::from_ref(&purchase)))
    }

    /// A submission.
    fn waited(sent: u64, ended: u64) -> (usize, Vec<String>) {
        let submission = Submission { key: "key".to_owned(), sent: at(sent), ended: at(ended) };
        judged(1, |calm| calm.submissions(std::slice::from_ref(&submission)))
    }

    #[test]
    fn an_answer_that_comes_late_or_never_is_told_with_what_struck_last() {
        assert_eq!(told(6_000, Some(8_900), 1), (1, vec![]));
        let name = Fault::RedisDies.name();
        let late = format!("key key waited for 3.1 s; what struck last was “{name}”, over for 6.0 s");
        assert_eq!(told(6_000, Some(9_100), 1), (1, vec![late]));
        let never = format!("key key waited in vain; what struck last was “{name}”, over for 6.0 s");
        assert_eq!(told(6_000, None, 1), (1, vec![never]));
    }

    #[test]
    fn who_comes_while_a_fault_is_felt_or_waits_into_the_next_is_not_looked_at() {
        assert_eq!(told(4_900, Some(12_000), 1), (0, vec![]));
        assert_eq!(told(18_000, Some(22_000), 1), (0, vec![]));
        assert_eq!(told(18_000, Some(19_000), 1), (1, vec![]));
    }

    #[test]
    fn what_the_machine_itself_was_held_up_is_not_counted() {
        assert_eq!(told(6_000, Some(11_000), 2), (1, vec![]));
        assert_eq!(told(6_000, Some(12_100), 2).1.len(), 1);
        assert_eq!(told(6_000, Some(19_000), 1_000), (1, vec![]), "it had no three seconds before all ended");
        assert_eq!(told(6_000, None, 1_000), (0, vec![]));
    }

    #[test]
    fn a_request_that_waits_since_a_fault_has_three_seconds_once_it_is_calm() {
        assert_eq!(waited(1_000, 7_900), (1, vec![]));
        let name = Fault::RedisDies.name();
        let late = format!("key key waited for 7.1 s; what struck last was “{name}”, over for 5.0 s");
        assert_eq!(waited(1_000, 8_100), (1, vec![late]));
        assert_eq!(waited(1_000, 4_900), (0, vec![]), "it was over before");
        assert_eq!(waited(18_000, 30_000), (0, vec![]), "it had no three seconds before the calm ended");
        assert_eq!(waited(21_000, 30_000), (0, vec![]), "no calm came after it");
    }
}
