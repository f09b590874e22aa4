//! Who keeps this machine's processors busy: customers, functions and servers share them.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;

use crate::usage::{Processes, machine_time, processor_time};
use cloud::Cloud;
use cloud::figures::float;
use cloud::record;
use cloud::service::Service;
use lambda::runtime_api::Fleet;

/// Who can be busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    /// A service of the cloud with all its processes. The functions are the fleet's environments.
    Service(Service),
    /// This program: the customers, and Lambda as the functions know it.
    Customers,
    /// Whatever else runs here, such as the looks at the database.
    Rest,
}

impl Who {
    /// All of them. The console is not started.
    pub(super) const ALL: [Self; 9] = [
        Self::Service(Service::Functions),
        Self::Service(Service::Postgres),
        Self::Service(Service::Pgbouncer),
        Self::Service(Service::Redis),
        Self::Service(Service::Sqs),
        Self::Service(Service::Payments),
        Self::Service(Service::Dispatcher),
        Self::Customers,
        Self::Rest,
    ];

    /// Those that have a line of their own in a drawing: it has seven colours.
    pub(super) const DRAWN: [Self; 5] = [
        Self::Service(Service::Functions),
        Self::Service(Service::Postgres),
        Self::Service(Service::Pgbouncer),
        Self::Service(Service::Redis),
        Self::Customers,
    ];

    /// For tables.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Service(Service::Functions) => "functions",
            Self::Service(Service::Postgres) => "Postgres",
            Self::Service(Service::Pgbouncer) => "PgBouncer",
            Self::Service(Service::Redis) => "Redis",
            Self::Service(Service::Sqs) => "queues",
            Self::Service(Service::Payments) => "provider",
            Self::Service(Service::Dispatcher) => "dispatcher",
            Self::Service(Service::Console) => "console",
            Self::Customers => "customers",
            Self::Rest => "the rest",
        }
    }
}

/// How many processors were busy, and with whom.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Busy {
    pub(super) machine: f64,
    by: BTreeMap<Who, f64>,
}

impl Busy {
    pub(super) fn with(&self, who: Who) -> f64 {
        match who {
            // Each is measured at a moment of its own.
            Who::Rest => (self.machine - self.by.values().sum::<f64>()).max(0.0),
            _ => self.by.get(&who).copied().unwrap_or_default(),
        }
    }

    /// With those that have no line of their own.
    pub(super) fn with_others(&self) -> f64 {
        Who::ALL.into_iter().filter(|who| !Who::DRAWN.contains(who)).map(|who| self.with(who)).sum()
    }

    /// The average of several.
    pub(super) fn average<'a>(all: impl Iterator<Item = &'a Self> + Clone) -> Self {
        let count = float(all.clone().count().max(1) as u64);
        let mut average = Self::default();
        for busy in all {
            average.machine += busy.machine / count;
            for (who, busy) in &busy.by {
                *average.by.entry(*who).or_default() += busy / count;
            }
        }
        average
    }
}

/// Time on processors so far.
pub(super) struct Used {
    machine: Duration,
    by: BTreeMap<Who, Duration>,
}

impl Used {
    /// Until now.
    pub(super) fn now(cloud: &Cloud, fleet: &Fleet) -> Result<Self> {
        let processes = Processes::now()?;
        let service = |service: Service| {
            let process = record::read(&cloud.folder, service.name())?.process?;
            Some((Who::Service(service), processes.family_time(process.pid())))
        };
        let mut by: BTreeMap<_, _> = cloud.services().filter_map(service).collect();
        let environments = fleet.environments().into_iter().filter_map(|one| one.pid);
        let functions = environments.filter_map(|pid| processor_time(pid).ok()).sum();
        by.insert(Who::Service(Service::Functions), functions);
        by.insert(Who::Customers, processor_time(std::process::id().try_into()?)?);
        Ok(Self { machine: machine_time()?, by })
    }

    /// Since that moment, so long ago. A service that was started anew meanwhile counts from now on.
    pub(super) fn since(&self, before: &Self, span: Duration) -> Busy {
        let busy = |now: Duration, before: Duration| {
            now.saturating_sub(before).as_secs_f64() / span.as_secs_f64().max(0.001)
        };
        let known = self.by.iter().map(|(who, now)| {
            let before = before.by.get(who).copied().unwrap_or_default();
            (*who, busy(*now, before))
        });
        Busy { machine: busy(self.machine, before.machine), by: known.collect() }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// So many processors are busy with the functions, and as many with others.
    pub(crate) fn busy(functions: f64) -> Busy {
        Busy { machine: 2.0 * functions, by: BTreeMap::from([(Who::Service(Service::Functions), functions)]) }
    }

    fn used(machine: u64, redis: u64) -> Used {
        let by = [(Who::Service(Service::Redis), Duration::from_millis(redis))];
        Used { machine: Duration::from_millis(machine), by: by.into() }
    }

    #[test]
    fn what_nobody_is_known_for_is_the_rest() {
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
        let busy = used(5_000, 900).since(&used(2_000, 400), Duration::from_secs(2));
        assert!(close(busy.machine, 1.5) && close(busy.with(Who::Service(Service::Redis)), 0.25), "{busy:?}");
        assert!(close(busy.with(Who::Rest), 1.25) && close(busy.with(Who::Customers), 0.0), "{busy:?}");
        assert!(close(busy.with_others(), 1.25), "Redis has a line of its own");
        let average = Busy::average([busy, Busy::default()].iter());
        assert!(close(average.machine, 0.75) && close(average.with(Who::Rest), 0.625), "{average:?}");
    }

    #[test]
    fn a_service_that_came_back_has_not_used_less_than_nothing() {
        let busy = used(2_000, 100).since(&used(1_000, 800), Duration::from_secs(1));
        assert_eq!(busy, Busy { machine: 1.0, by: [(Who::Service(Service::Redis), 0.0)].into() });
    }
}
