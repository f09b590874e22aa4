//! What invokes functions besides HTTP: queues and schedules, as Lambda's event source mappings and `EventBridge`
//! Scheduler do, since nothing does it locally.

mod event;
mod invoke;
mod poller;
mod schedule;

pub(crate) use event::of_schedule;
pub(crate) use invoke::{Answer, Invoker};
pub(crate) use poller::{Polled, Poller};
pub(crate) use schedule::{fire, interval};
