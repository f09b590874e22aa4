//! Checkout: an order is placed, charged once, and never lost.
//!
//! The order row is the truth; a queue message is only a nudge; the order's key at the provider is the once-only token.
//! Every step forward is one function, [`advance()`]: checkout, the worker and a cancellation all call it, so there is
//! one place to be right.
//!
//! | step | where | what must hold after a crash behind it |
//! |---|---|---|
//! | place | [`Purchase`] | the order is found by its idempotency key and by the sweeper; nothing is charged |
//! | remember that a charge is asked for | [`Purchase`], [`Lease`] | whoever comes next asks under the same key |
//! | ask for it | [`advance()`] | charged or not, the key tells, and charges once |
//! | settle | [`advance()`] | the lease runs out, and the next one learns the same |

mod advance;
mod cart;
mod gate;
mod idempotency;
mod lease;
mod objects;
mod place;
mod provider;
mod refund;
mod refund_state;
mod settle;

pub use advance::advance;
pub use cart::{Cart, ExpectedTotal, Item};
pub use gate::{Enter, Entry, Gate, Pass, Shut};
pub use idempotency::IdempotencyKey;
pub use lease::{Lease, claim, claim_to_cancel, postpone};
pub use place::{Placed, Purchase};
pub use refund::{RefundBegun, RefundRequest, WantedRefund, begin_refund};
pub use refund_state::RefundState;
pub use settle::{Advanced, leave};
