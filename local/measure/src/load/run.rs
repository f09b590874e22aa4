//! One run: so many users for so long, and all that was seen of it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use time::OffsetDateTime;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::answers::{Answered, Answers, Summary};
use super::outages::{self, Outage};
use super::processors::Busy;
use super::shop::{Shop, send};
use super::waited::Waited;
use super::watch::{Moment, Orders, Watch};
use cloud::Cloud;
use cloud::figures::{milliseconds, thousands};
use cloud::progress::{say, seconds, step};
use customers::schedule::Arrivals;

/// How long orders that were put off may take to be charged once nobody comes any more: the breaker stays open for up
/// to ten minutes after several failed probes, the sweeper comes every minute, and what ten minutes at twice the
/// provider's limit have left takes as long again.
const SETTLED_WITHIN: Duration = Duration::from_mins(25);

/// See the module.
#[derive(Debug)]
pub(super) struct Run {
    /// The version of Node.js whose twins served; none where our functions did.
    pub(super) node: Option<String>,
    pub(super) users: u64,
    pub(super) length: Duration,
    pub(super) begun: OffsetDateTime,
    pub(super) answers: Vec<Answered>,
    pub(super) moments: Vec<Moment>,
    pub(super) outages: Vec<Outage>,
    /// Orders that were put off; `None` before it is over.
    pub(super) waited: Option<Waited>,
}

impl Default for Run {
    fn default() -> Self {
        Self {
            node: None,
            users: 0,
            length: Duration::ZERO,
            begun: OffsetDateTime::UNIX_EPOCH,
            answers: Vec::new(),
            moments: Vec::new(),
            outages: Vec::new(),
            waited: None,
        }
    }
}

impl Run {
    /// The processors that were busy, on average.
    pub(super) fn busy(&self) -> Busy {
        Busy::average(self.moments.iter().map(|moment| &moment.busy))
    }

    /// Whether a service was away then, or had come back only a moment ago.
    pub(super) fn is_ill(&self, at: Duration, recovery: Duration) -> bool {
        self.outages.iter().any(|outage| (outage.from..outage.to + recovery).contains(&at))
    }
}

/// How often is looked: a plot of 150 moments reads well, and each look costs something.
fn every(length: Duration) -> Duration {
    (length / 150).clamp(Duration::from_secs(1), Duration::from_secs(5))
}

/// Lets customers in, and takes services away meanwhile if asked to; `outages`: how many calls a second the provider
/// takes when it is back.
pub(super) async fn perform(
    cloud: &Cloud,
    shop: &Arc<Shop>,
    users: u64,
    length: Duration,
    outages: Option<u32>,
) -> Result<Run> {
    let (begun, began) = (OffsetDateTime::now_utc(), Instant::now());
    let mut run = Run { users, length, begun, ..Run::default() };
    let answers: Arc<Answers> = Arc::default();
    let ask = |arrival| {
        let shop = Arc::clone(shop);
        async move { shop.ask(&arrival).await }
    };
    // The same schedule for the same number of users.
    let customers = send(Arrivals::new(users, length, users), began, &answers, ask);
    let strikes = async {
        match outages {
            Some(limit) => outages::strike(cloud, limit, began, length).await,
            None => Ok(Vec::new()),
        }
    };
    let watching = watch(cloud, shop, began, length, &answers, &mut run.moments);
    tokio::select! {
        ((), outages) = async { tokio::join!(customers, strikes) } => run.outages = outages?,
        failed = watching => failed?,
    }
    run.answers = answers.after(0);
    step("Orders that were put off are charged", settle(cloud)).await?;
    run.waited = Some(Waited::since(cloud, begun, &shop.told).await?);
    Ok(run)
}

/// Looks and tells, until it is dropped.
async fn watch(
    cloud: &Cloud,
    shop: &Shop,
    began: Instant,
    length: Duration,
    answers: &Answers,
    moments: &mut Vec<Moment>,
) -> Result<()> {
    let mut watch = Watch::new(cloud, &shop.fleet)?;
    let mut ticks = interval(every(length));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    let (mut seen, mut told) = (0, Instant::now());
    loop {
        ticks.tick().await;
        let moment = watch.look(began).await?;
        if told.elapsed() >= Duration::from_secs(5) {
            let answers = answers.after(seen);
            seen += answers.len();
            say(line(&moment, &answers, told.elapsed()));
            told = Instant::now();
        }
        moments.push(moment);
    }
}

/// How the last seconds were.
fn line(moment: &Moment, answers: &[Answered], span: Duration) -> String {
    let summary = Summary::of(answers.iter());
    format!(
        "  {:>8}  {:>5}/s  p50 {:>6.1} ms  p99 {:>7.1} ms  {} refused  {} errors  {} environments, {:.0} MB  {} connections  \
         {:.1} processors",
        seconds(moment.at),
        thousands(rate(summary.requests, span)),
        milliseconds(summary.p50),
        milliseconds(summary.p99),
        summary.with_status(429),
        summary.errors,
        moment.environments(),
        moment.megabytes(),
        moment.connections.map_or_else(|| "?".to_owned(), |connections| connections.to_string()),
        moment.busy.machine,
    )
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and not below zero")]
fn rate(requests: usize, span: Duration) -> u64 {
    let requests = f64::from(u32::try_from(requests).unwrap_or(u32::MAX));
    (requests / span.as_secs_f64().max(0.001)).round() as u64
}

/// Waits until no order waits any more, or patience ends.
async fn settle(cloud: &Cloud) -> Result<()> {
    let (orders, since) = (Orders::of(cloud)?, Instant::now());
    loop {
        let (_, waiting) = orders.look().await?;
        if waiting == 0 || since.elapsed() > SETTLED_WITHIN {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
