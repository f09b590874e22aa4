//! What is away, or other than usual, and since when.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use cloud::service::Service;

/// What is other than usual.
#[derive(Default, Serialize)]
pub(crate) struct Pulled {
    pub(crate) provider: Provider,
    pub(crate) breaker: Order,
    #[serde(skip)]
    pub(crate) away: Vec<Service>,
    #[serde(skip)]
    pub(crate) outages: Vec<Outage>,
}

/// Something was away.
pub(crate) struct Outage {
    pub(crate) name: String,
    pub(crate) from: OffsetDateTime,
    /// `None` while it lasts.
    pub(crate) to: Option<OffsetDateTime>,
}

/// How the payment provider does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Provider {
    #[default]
    Healthy,
    Slow,
    Failing,
    Declining,
}

/// What the breaker was ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    #[default]
    Auto,
    Open,
    Closed,
}

impl Pulled {
    pub(crate) fn orders(&self) -> (Order, Provider) {
        (self.breaker, self.provider)
    }

    pub(crate) fn note_away(&mut self, service: Service) {
        if !self.away.contains(&service) {
            self.away.push(service);
            self.begin(format!("{} away", service.name()));
        }
    }

    pub(crate) fn note_back(&mut self, service: Service) {
        self.away.retain(|away| *away != service);
        self.end(&format!("{} away", service.name()));
    }

    pub(crate) fn begin(&mut self, name: String) {
        let recent = OffsetDateTime::now_utc() - time::Duration::minutes(20);
        self.outages.retain(|outage| outage.to.is_none_or(|to| to > recent));
        self.outages.push(Outage { name, from: OffsetDateTime::now_utc(), to: None });
    }

    pub(crate) fn end(&mut self, name: &str) {
        let lasting = self.outages.iter_mut().filter(|outage| outage.name == name && outage.to.is_none());
        lasting.for_each(|outage| outage.to = Some(OffsetDateTime::now_utc()));
    }
}
