//! Load for as long as a page is open: customers who think between two requests, and callers who never pause.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use customers::journeys::{Journey, per_second};
use customers::traffic::{Invocation, Traffic};
use lambda::sources::Invoker;
use tokio::runtime::{Builder, Handle};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use cloud::demo;

/// Customers, at most: as many as one machine serves while it draws the page.
const MOST_VISITORS: u64 = 500;
/// Callers, at most.
const MOST_CALLERS: u64 = 200;
/// Requests of customers that wait for their answers, at most. Beyond it they are not sent: a shop that does not answer
/// gets no more of them for that.
const UNDER_WAY: usize = 200;

/// Sends them. A handle: cheap to clone.
#[derive(Clone)]
pub(crate) struct Visitors(Arc<Inner>);

struct Inner {
    /// A thread of their own: what they do is not to hold up the page, and not to be taken for what it costs.
    thread: Handle,
    invoker: Invoker,
    traffic: Arc<Traffic>,
    /// How many there are meant to be. Each task ends by itself when it is one too many.
    number: AtomicU64,
    callers: AtomicU64,
    /// Grows with each change: who was begun before it ends.
    turn: AtomicU64,
}

impl Visitors {
    /// Nobody yet. The invoker is theirs alone: its connections live where they were first used.
    pub(crate) fn new(invoker: Invoker, traffic: Arc<Traffic>) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (thread, (number, callers, turn)) = (runtime.handle().clone(), Default::default());
        thread::Builder::new()
            .name("visitors".to_owned())
            .spawn(move || runtime.block_on(pending::<()>()))?;
        Ok(Self(Arc::new(Inner { thread, invoker, traffic, number, callers, turn })))
    }

    /// Visitors and callers.
    pub(crate) fn numbers(&self) -> (u64, u64) {
        (self.0.number.load(Relaxed), self.0.callers.load(Relaxed))
    }

    /// Sets one or both numbers, and says what that means.
    pub(crate) fn set(&self, visitors: Option<u64>, callers: Option<u64>) -> Result<String> {
        ensure!(visitors.unwrap_or_default() <= MOST_VISITORS, "at most {MOST_VISITORS} customers");
        ensure!(callers.unwrap_or_default() <= MOST_CALLERS, "at most {MOST_CALLERS} callers");
        let anybody = visitors.max(callers).unwrap_or_default() > 0;
        ensure!(!anybody || self.0.traffic.products() > 0, "the shop is empty: there is nothing to ask for");
        let (now, calling) = self.numbers();
        let (visitors, callers) = (visitors.unwrap_or(now), callers.unwrap_or(calling));
        self.0.number.store(visitors, Relaxed);
        self.0.callers.store(callers, Relaxed);
        let turn = self.0.turn.fetch_add(1, Relaxed) + 1;
        if visitors > 0 {
            self.0.thread.spawn(self.clone().visit(visitors, turn));
        }
        for _ in 0..callers {
            self.0.thread.spawn(self.clone().call(turn));
        }
        Ok(match (visitors, callers) {
            (0, 0) => "Nobody else is in the shop.".to_owned(),
            (visitors, 0) => {
                format!("{visitors} customers are in the shop, each with a request every ten seconds.")
            }
            (_, callers) => format!("{callers} callers ask for their orders, again and again."),
        })
    }

    /// Sends requests as so many customers would: a Poisson process.
    async fn visit(self, visitors: u64, turn: u64) {
        let under_way = Arc::new(Semaphore::new(UNDER_WAY));
        while self.0.turn.load(Relaxed) == turn {
            sleep(Duration::from_secs_f64(-(1.0 - fastrand::f64()).ln() / per_second(visitors))).await;
            let Ok(permit) = Arc::clone(&under_way).try_acquire_owned() else { continue };
            let journey = Journey::pick(fastrand::f64());
            let event = journey.event(&self.0.traffic, fastrand::u64(0..visitors), fastrand::f64());
            let Ok(invocation) = event else { continue };
            let visitors = self.clone();
            tokio::spawn(async move {
                visitors.ask(invocation).await;
                drop(permit);
            });
        }
    }

    /// Asks for somebody's orders, again as soon as there is an answer.
    async fn call(self, turn: u64) {
        while self.0.turn.load(Relaxed) == turn {
            let Ok(invocation) = self.0.traffic.orders(fastrand::u64(0..demo::USERS)) else { return };
            if !self.ask(invocation).await {
                sleep(Duration::from_millis(500)).await;
            }
        }
    }

    /// Whether there was an answer.
    async fn ask(&self, (function, event): Invocation) -> bool {
        let event = String::from_utf8_lossy(&event).into_owned();
        self.0.invoker.invoke(&function, event).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use cloud::Cloud;
    use cloud::folder::Folder;

    #[test]
    fn nobody_comes_into_an_empty_shop() -> Result<()> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let scratch = tempfile::tempdir()?;
        let cloud = Cloud::open(Folder::at(&root, scratch.path(), "./dev")?)?;
        let traffic = Arc::new(Traffic::new(&cloud, 0)?);
        let visitors = Visitors::new(Invoker::new("http://127.0.0.1:9".to_owned())?, traffic)?;
        assert!(visitors.set(Some(1), None).is_err() && visitors.set(None, Some(1)).is_err());
        assert_eq!(visitors.numbers(), (0, 0));
        assert_eq!(visitors.set(Some(0), Some(0))?, "Nobody else is in the shop.");
        cloud::account::remove_outside(&cloud.folder)
    }
}
