//! The local payment provider: Stripe's wire format for what Millrace uses, a ledger that can be read back, and
//! faults on command.
//!
//! It is the one service of the local cloud that is our own double. Published fakes will not do: `localstripe` 1.15.10
//! ignores idempotency keys (measured), and a shop that survives a provider without faults has proven nothing.
//!
//! | file | holds |
//! |---|---|
//! | `command` | the hidden subcommand `payments` of `./dev` |
//! | `serve`, `provider` | puts it together; everything it has |
//! | `server` | sockets: cutting connections, refusing them |
//! | `api` | the way of a request: fault, key, operation, answer |
//! | `call`, `operations`, `charging`, `refunding`, `effect`, `cards` | what is asked, done, charged and given back, what that changes; the test cards |
//! | `running` | what is being worked on: one request at a time for a key or an intent |
//! | `ledger`, `journal` | the truth, and its file |
//! | `faults`, `control`, `requests` | orders, the interface for them, what was seen |
//! | `webhooks` | signed events: late, doubled, shuffled, off |
//! | `form`, `objects`, `page`, `error` | Stripe's dialect |
//! | `client`: [`Control`] | the other side of the counter: the client of its control interface |

mod api;
mod call;
mod cards;
mod charging;
mod client;
mod command;
mod control;
mod effect;
mod error;
mod faults;
mod form;
mod journal;
mod ledger;
mod objects;
mod operations;
mod page;
mod provider;
mod refunding;
mod requests;
mod running;
mod serve;
mod server;
mod webhooks;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use self::client::{Charge, Control, Intent, Ledger};
pub use self::command::{Arguments, run};
pub use self::faults::{Fault, Kind};
pub use self::operations::Operation;
pub use self::serve::{Settings, serve};
pub use self::webhooks::{Change as WebhookChange, Settings as WebhookSettings};
