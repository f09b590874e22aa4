//! Sends every request when it is due, whatever became of those before it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::answers::{Answered, Answers, NONE};
use super::waited::Told;
use customers::schedule::Arrival;
use customers::traffic::{Traffic, status};
use lambda::runtime_api::Fleet;

/// API Gateway gives up after 30 s; so do customers.
const PATIENCE: Duration = Duration::from_secs(30);

/// HTTP's word for what is not finished.
const ACCEPTED: u16 = 202;

/// The shop as its customers know it.
pub(super) struct Shop {
    pub(super) fleet: Arc<Fleet>,
    pub(super) traffic: Traffic,
    /// Why orders are not charged at once.
    pub(super) told: Told,
}

impl Shop {
    /// Sends a request; the status of its answer.
    pub(super) async fn ask(&self, arrival: &Arrival) -> Option<u16> {
        let (function, event) = arrival.journey.event(&self.traffic, arrival.user, arrival.draw).ok()?;
        let answer = self.fleet.invoke(&function, event).await.ok()?;
        let status = status(&answer.body).ok()?;
        if status == ACCEPTED {
            self.told.note(&answer.body);
        }
        Some(status)
    }
}

/// Sends all arrivals and waits for the last answer. `ask` gives the status of an answer, if there is one.
pub(super) async fn send<F>(
    arrivals: impl Iterator<Item = Arrival>,
    began: Instant,
    answers: &Arc<Answers>,
    ask: impl Fn(Arrival) -> F,
) where
    F: Future<Output = Option<u16>> + Send + 'static,
{
    let mut under_way = JoinSet::new();
    for arrival in arrivals {
        let due = began + arrival.at;
        sleep_until(due).await;
        let (asked, answers) = (ask(arrival), Arc::clone(answers));
        under_way.spawn(async move {
            let late = due.elapsed();
            let status = timeout(PATIENCE, asked).await.ok().flatten().unwrap_or(NONE);
            let Arrival { at, journey, .. } = arrival;
            answers.add(Answered { at, journey, status, took: due.elapsed(), late });
        });
        while under_way.try_join_next().is_some() {}
    }
    while under_way.join_next().await.is_some() {}
}

#[cfg(test)]
mod tests {
    use super::super::answers::Summary;
    use super::*;
    use customers::schedule::Arrivals;

    const LENGTH: Duration = Duration::from_secs(100);

    fn arrivals() -> Arrivals {
        Arrivals::new(100, LENGTH, 1)
    }

    #[tokio::test(start_paused = true)]
    async fn requests_are_sent_when_they_are_due_although_no_answer_comes() {
        let (answers, began) = (Arc::default(), Instant::now());
        send(arrivals(), began, &answers, |_| std::future::pending()).await;
        // The last was given up 30 s after it was due: nobody waited for anybody.
        assert!(began.elapsed() <= LENGTH + PATIENCE);
        let answers = answers.after(0);
        assert_eq!(answers.len(), arrivals().count());
        assert!(answers.iter().all(|one| one.status == NONE && one.late < Duration::from_millis(5)));
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_ones_turn_counts_as_waiting() {
        // One environment that takes 200 ms, and ten requests a second: they queue up.
        let one = Arc::new(tokio::sync::Mutex::new(()));
        let (answers, began) = (Arc::default(), Instant::now());
        let ask = |_| {
            let one = Arc::clone(&one);
            async move {
                let _mine = one.lock().await;
                tokio::time::sleep(Duration::from_millis(200)).await;
                Some(200)
            }
        };
        send(arrivals(), began, &answers, ask).await;
        let answers = answers.after(0);
        let summary = Summary::of(answers.iter());
        // A closed loop would tell of 200 ms each. Here the queue grows, until those in it give up after 30 s.
        assert!(summary.p50 > Duration::from_secs(20), "{summary:?}");
        assert!(answers.iter().all(|one| one.took >= Duration::from_millis(200)));
    }
}
