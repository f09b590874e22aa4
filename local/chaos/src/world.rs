//! Everything of one run: servers, functions, queue, schedule, provider, and who watches.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use serde_json::Value;
use shared::auth::token::{Issuer, Role};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::canary::Canary;
use super::door::{Door, Reply, Request};
use super::faults::Fault;
use super::queue::Queue;
use super::services::Services;
use super::witness::Witness;
use cloud::log::open_log;
use cloud::service::Service;
use cloud::serving;
use lambda::runtime_api::{Fleet, Settings};
use lambda::sources::{Invoker, Poller, of_schedule};
use lambda::tell::nobody;
use provider::Control;

/// The functions of a run, and how many environments each has at most.
pub(super) const FUNCTIONS: [(&str, usize); 12] = [
    ("checkout", 8),
    ("cancel-order", 3),
    ("charge-worker", 5),
    ("order-sweeper", 2),
    ("payment-webhook", 4),
    ("update-product", 3),
    ("get-product", 4),
    ("search-products", 4),
    ("get-order", 3),
    ("refund-order", 3),
    ("set-stock", 2),
    ("import-products", 2),
];

/// Sweeps come twelve times as often as in production, so that ten minutes hold what two hours would.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// A journey that has begun may take so much longer than the shop is open.
const LAST_ORDERS: Duration = Duration::from_secs(5);

/// A run's world.
pub(super) struct World {
    pub(super) seed: u64,
    pub(super) services: Arc<Services>,
    pub(super) fleet: Arc<Fleet>,
    pub(super) provider: Control,
    /// Held by the one fault that may have hold of the provider.
    pub(super) provider_is_struck: Mutex<()>,
    pub(super) queue: Queue,
    pub(super) witness: Witness,
    /// How long a checkout can go on after its client has hung up.
    pub(super) checkout_lives: Duration,
    /// The functions' deaths at kill points. They die only as long as this file is there.
    deaths: PathBuf,
    /// Requests that the provider's faults struck.
    struck: std::sync::Mutex<BTreeMap<Fault, usize>>,
    /// When the shop closed, once it has.
    closed: OnceLock<Instant>,
    pub(super) canary: Canary,
    door: Door,
    issuer: Issuer,
}

impl World {
    /// Starts the functions' environments-to-be; the servers run already.
    pub(super) async fn new(seed: u64, services: Arc<Services>, binaries: &Path) -> Result<Self> {
        let cloud = services.cloud();
        let deaths = cloud.folder.data().join("deaths");
        std::fs::write(&deaths, "")?;
        let fleet = Arc::new(Fleet::start(settings(seed, &services, binaries, &deaths)?).await?);
        let queue = cloud.template.queues.iter().find(|queue| queue.redrive.is_some());
        let queue = Queue {
            sqs: cloud.sqs()?,
            url: cloud.queue_url(&queue.context("template.yaml has no queue")?.name)?,
        };
        let checkout = cloud.template.function("checkout");
        Ok(Self {
            seed,
            provider: Control::new(&cloud.http(Service::Payments)?)?,
            provider_is_struck: Mutex::default(),
            queue,
            witness: Witness::default(),
            checkout_lives: checkout.context("template.yaml has no checkout")?.time_limit,
            deaths,
            struck: std::sync::Mutex::default(),
            closed: OnceLock::new(),
            canary: Canary::default(),
            door: Door::new(Arc::clone(&fleet), &cloud.template.functions),
            issuer: Issuer::new(cloud.secrets.token_private_key())?,
            fleet,
            services,
        })
    }

    /// Opens the door for webhooks and sets queue and schedule to work, until the set is dropped.
    pub(super) async fn open(self: &Arc<Self>) -> Result<JoinSet<()>> {
        let cloud = self.services.cloud();
        let mut work = JoinSet::new();
        work.spawn(self.door.listen(cloud.port(Service::Functions)?).await?);
        let invoker = Invoker::Fleet(Arc::clone(&self.fleet));
        for queue in serving::queues(cloud)? {
            for _ in 0..queue.source.concurrency {
                work.spawn(Poller::new(self.queue.sqs.clone(), invoker.clone(), queue.clone(), nobody).run());
            }
        }
        let world = Arc::clone(self);
        work.spawn(async move {
            loop {
                sleep(SWEEP_EVERY).await;
                world.sweep().await;
            }
        });
        Ok(work)
    }

    /// Whether customers come in.
    pub(super) fn is_open(&self) -> bool {
        self.closed.get().is_none()
    }

    /// Whether those who are in may go on.
    pub(super) fn serves(&self) -> bool {
        self.closed.get().is_none_or(|closed| closed.elapsed() < LAST_ORDERS)
    }

    /// Nobody comes in any more.
    pub(super) fn close(&self) {
        self.closed.set(Instant::now()).ok();
    }

    /// Whether functions die at kill points.
    pub(super) fn let_die(&self, die: bool) -> Result<()> {
        let (lively, spared) = (&self.deaths, self.deaths.with_extension("spared"));
        if die { std::fs::rename(spared, lively) } else { std::fs::rename(lively, spared) }?;
        Ok(())
    }

    /// Deaths by kill point and function, from the lines that the dying wrote.
    pub(super) fn deaths(&self) -> Result<BTreeMap<(String, String), usize>> {
        let text = std::fs::read_to_string(&self.deaths)
            .or_else(|_| std::fs::read_to_string(self.deaths.with_extension("spared")))?;
        let mut counts = BTreeMap::new();
        for (function, point) in text.lines().filter_map(|line| line.split_once(' ')) {
            *counts.entry((point.to_owned(), function.to_owned())).or_default() += 1;
        }
        Ok(counts)
    }

    /// Sends a request to a function, and counts its answer.
    pub(super) async fn send(&self, request: &Request, patience: Duration) -> Option<Reply> {
        let reply = self.door.send(request, patience).await;
        self.witness.answered(request.function, reply.as_ref().map_or(0, |reply| reply.status));
        reply
    }

    /// Notes an answer that no client should ever get.
    pub(super) fn complain(&self, request: &Request, Reply { status, body }: &Reply) {
        self.witness.complain(format!("{} answered {status}: {body}", request.function));
    }

    /// The schedule's function, once.
    pub(super) async fn sweep(&self) {
        let begun = Instant::now();
        let event = Bytes::from(of_schedule("order-sweeper").to_string());
        let Ok(answer) = self.fleet.invoke("order-sweeper", event).await else { return };
        let swept: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if swept["lost"] == 0 {
            self.witness.freshness(|freshness| freshness.swept(begun));
        }
    }

    /// So many more requests were struck by a fault of the provider's.
    pub(super) fn count_requests(&self, fault: Fault, requests: usize) {
        let mut struck = self.struck.lock().unwrap_or_else(PoisonError::into_inner);
        *struck.entry(fault).or_default() += requests;
    }

    /// Requests that the provider's faults struck.
    pub(super) fn requests_struck(&self) -> BTreeMap<Fault, usize> {
        self.struck.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// An access token.
    pub(super) fn token(&self, user: Uuid, role: Role) -> String {
        self.issuer.issue(user, role, Duration::from_hours(2)).unwrap_or_default()
    }
}

/// The functions as the template has them, from the build with kill points, and what tells them to die.
fn settings(seed: u64, services: &Services, binaries: &Path, deaths: &Path) -> Result<Settings> {
    let cloud = services.cloud();
    let mut settings = serving::settings(cloud, "debug")?;
    let environments = |name: &str| FUNCTIONS.iter().find(|(function, _)| *function == name);
    settings.functions.retain(|name, _| environments(name).is_some());
    for (name, function) in &mut settings.functions {
        function.command = vec![binaries.join(name).display().to_string()];
        function.environments = environments(name).map_or(1, |(_, most)| *most);
        function.log = open_log(&cloud.folder.log(name))?;
    }
    for (_, address) in &mut settings.environment {
        *address = services.by_way_of_line(address);
    }
    settings.environment.extend([
        // Often enough for each point, seldom enough for most journeys to come through.
        (
            "MILLRACE_KILL".to_owned(),
            format!("seed={seed} first=0.3 again=0.008 stall=0.01 log={}", deaths.display()),
        ),
        ("BREAKER_OPEN_SECONDS".to_owned(), "1".to_owned()),
        // As Stripe's: crowds are put off.
        ("PAYMENTS_RATE_LIMIT".to_owned(), "25".to_owned()),
    ]);
    Ok(settings)
}
