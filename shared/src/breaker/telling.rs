//! What callers and operators tell the breaker, and what it tells them.

use tracing::{debug, warn};

use super::grant::{Grant, Store};
use super::{Breaker, Effect, Forced, Machine, Outcome, Report, now};
use crate::redis::{Call, Calls, Command, NoAnswer, Replies, Script};
use crate::telemetry::{self, Counter};

static REPORT: Script = Script::new(
    "breaker.report",
    concat!(include_str!("../redis/clock.lua"), include_str!("machine.lua"), include_str!("report.lua")),
);
static FORCE: Script = Script::new(
    "breaker.force",
    concat!(include_str!("../redis/clock.lua"), include_str!("machine.lua"), include_str!("force.lua")),
);
static SHOW: Script = Script::new(
    "breaker.show",
    concat!(include_str!("../redis/clock.lua"), include_str!("machine.lua"), include_str!("show.lua")),
);

/// What came of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reported {
    /// Nothing was sent: it could not have changed anything.
    NotNeeded,
    /// What it changed for all environments.
    Shared(Effect),
    /// What it changed in this environment; Redis was away when the call was allowed, or is now.
    Local(Effect),
}

impl Breaker {
    pub(super) async fn tell(&self, grant: &Grant, outcome: Outcome) -> Reported {
        let reported = self.carry(grant, outcome).await;
        tally(reported);
        let (breaker, outcome) = (&self.0.name, outcome.name());
        let (effect, degraded) = match reported {
            Reported::NotNeeded => ("not_needed", false),
            Reported::Shared(effect) => (effect.name(), false),
            Reported::Local(effect) => (effect.name(), true),
        };
        // The one place where the effect of each report is known. A change of state is worth a line in every log.
        match effect {
            "opened" | "closed" => warn!(breaker, outcome, effect, degraded, "breaker report"),
            _ => debug!(breaker, outcome, effect, degraded, "breaker report"),
        }
        reported
    }

    async fn carry(&self, grant: &Grant, outcome: Outcome) -> Reported {
        if !grant.is_news(outcome) {
            return Reported::NotNeeded;
        }
        let inner = &self.0;
        let report = Report {
            token: &grant.token,
            generation: grant.generation,
            outcome,
            environment: &inner.environment,
        };
        if grant.store == Store::Local {
            return Reported::Local(inner.local.report(now(), &report));
        }
        match inner.redis.batch(Send(self.message(grant, outcome))).await {
            Some(effect) => Reported::Shared(effect),
            // Redis went away between the call and its report: the evidence is this environment's own.
            None => Reported::Local(inner.local.witness(now(), &report)),
        }
    }

    /// The call that reports it.
    pub(super) fn message(&self, grant: &Grant, outcome: Outcome) -> Call {
        let call = self.call(&REPORT).arg(&grant.token).arg(grant.generation);
        call.arg(outcome.name()).arg(&self.0.environment)
    }

    /// A command that forces the breaker open or closed, or lets it decide again. Answers whether Redis got it.
    pub fn force(&self, forced: Forced) -> Force {
        let order = match forced {
            Forced::Auto => "auto",
            Forced::Open => "open",
            Forced::Closed => "closed",
        };
        Force(FORCE.on([self.0.key.as_str()]).arg(order))
    }

    /// A command that reads the shared state. Answers `None` when Redis is away.
    pub fn show(&self) -> Show {
        Show(SHOW.on([self.0.key.as_str()]))
    }

    /// Gives an order, like [`Breaker::force`]; for an operator, who is told why Redis did not get it.
    ///
    /// # Errors
    /// When Redis does not answer, or not that it was carried out.
    pub async fn order(&self, forced: Forced) -> Result<(), NoAnswer> {
        let Force(call) = self.force(forced);
        self.0.redis.examine::<String>(call).await.map(drop)
    }

    /// Reads the shared state, like [`Breaker::show`]; for an operator, who is told why there is none.
    ///
    /// # Errors
    /// When Redis does not answer, or not with a state.
    pub async fn examine(&self) -> Result<Shown, NoAnswer> {
        let Show(call) = self.show();
        let shown = Shown::read(self.0.redis.examine(call).await?);
        shown.map_err(|error| NoAnswer::Failure(format!("its state is unreadable: {error}")))
    }
}

fn tally(reported: Reported) {
    match reported {
        Reported::Shared(Effect::Opened) | Reported::Local(Effect::Opened) => {
            telemetry::count(Counter::BreakerOpened);
        }
        Reported::Shared(Effect::Closed) | Reported::Local(Effect::Closed) => {
            telemetry::count(Counter::BreakerClosed);
        }
        _ => {}
    }
}

/// A report on its way.
struct Send(Call);

impl Command for Send {
    type Output = Option<Effect>;

    fn calls(&self, calls: &mut Calls) {
        calls.push(self.0.clone());
    }

    fn read(self, replies: &mut Replies) -> Self::Output {
        match replies.next::<String>()?.as_str() {
            "ignored" => Some(Effect::Ignored),
            "counted" => Some(Effect::Counted),
            "opened" => Some(Effect::Opened),
            "closed" => Some(Effect::Closed),
            _ => None,
        }
    }
}

/// A command of an operator. See [`Breaker::force`].
#[must_use = "a command does nothing until it is sent in a batch"]
pub struct Force(Call);

impl Command for Force {
    type Output = bool;

    fn calls(&self, calls: &mut Calls) {
        calls.push(self.0.clone());
    }

    fn read(self, replies: &mut Replies) -> bool {
        replies.next::<String>().is_some()
    }
}

/// A command that reads the state. See [`Breaker::show`].
#[must_use = "a command does nothing until it is sent in a batch"]
pub struct Show(Call);

/// The shared state of a breaker.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Redis' time, in milliseconds since 1970. All other times are to be read against it.
    pub now: u64,
    /// The state as it was last written: an open breaker shows as open until somebody asks it for a call.
    pub machine: Machine,
}

impl Shown {
    fn read((now, state): (u64, String)) -> serde_json::Result<Self> {
        Ok(Self { now, machine: serde_json::from_str(&state)? })
    }
}

impl Command for Show {
    type Output = Option<Shown>;

    fn calls(&self, calls: &mut Calls) {
        calls.push(self.0.clone());
    }

    fn read(self, replies: &mut Replies) -> Option<Shown> {
        let shown = Shown::read(replies.next()?);
        shown.map_err(|error| warn!(%error, "the breaker's state is unreadable")).ok()
    }
}
