//! What invokes functions besides HTTP: queues and schedules, as Lambda's event source mappings and `EventBridge`
//! Scheduler do, since nothing does it locally.

mod event;
mod invoke;
mod poller;
mod schedule;

pub use event::of_schedule;
pub use invoke::{Answer, Invoker};
pub use poller::{Polled, Poller};
pub use schedule::{fire, interval};
