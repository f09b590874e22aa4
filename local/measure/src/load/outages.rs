//! `--faults`: services that go away in the middle of a run, and come back.

use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep_until};

use cloud::Cloud;
use cloud::lifecycle;
use cloud::service::Service;
use provider::Control;

/// When a service is away, in per cent of the run.
const PLAN: [(Service, u32, u32); 2] = [(Service::Payments, 20, 35), (Service::Redis, 60, 70)];

/// A service was away.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outage {
    pub(super) service: Service,
    /// Since the beginning.
    pub(super) from: Duration,
    pub(super) to: Duration,
}

impl Outage {
    /// For people.
    pub(super) fn name(&self) -> &'static str {
        match self.service {
            Service::Payments => "payment provider away",
            Service::Redis => "Redis away",
            other => other.name(),
        }
    }
}

/// Takes services away and brings them back, as `./dev stop` and `./dev start` do.
pub(super) async fn strike(
    cloud: &Cloud,
    provider_limit: u32,
    began: Instant,
    length: Duration,
) -> Result<Vec<Outage>> {
    let mut outages = Vec::new();
    for (service, from, to) in PLAN {
        sleep_until(began + length * from / 100).await;
        let from = began.elapsed();
        lifecycle::stop(&cloud.folder, service).await?;
        sleep_until(began + length * to / 100).await;
        lifecycle::start(&cloud.folder, service).await?;
        if service == Service::Payments {
            // It begins without.
            Control::new(&cloud.http(service)?)?.limit(provider_limit).await?;
        }
        outages.push(Outage { service, from, to: began.elapsed() });
    }
    Ok(outages)
}

/// How long the breaker stays open at first. A minute by default; less in a short run, or the recovery would come after
/// its end.
pub(super) fn breaker_open_for(length: Duration) -> Duration {
    Duration::from_secs((length.as_secs() / 10).clamp(1, 60))
}
