//! Checkout: an order is placed, charged once, and never lost.
//!
//! The order row is the truth; a queue message is only a nudge; the provider's PaymentIntent is the once-only token.
//! Every step forward is one function, [`advance()`]: checkout, the worker and a cancellation all call it, so there is
//! one place to be right.
//!
//! | step | where | what must hold after a crash behind it |
//! |---|---|---|
//! | place | [`Purchase`] | the order is found by its idempotency key and by the sweeper; nothing is charged |
//! | create the intent | [`advance()`] | an orphan at the provider moves no money |
//! | remember it and the attempt | [`Lease`] | whoever comes next asks under the same key |
//! | confirm | [`advance()`] | charged or not, the intent tells, and cannot be charged twice |
//! | settle | [`advance()`] | the lease runs out, and the next one learns the same |

mod advance;
mod cart;
mod idempotency;
mod lease;
mod place;
mod provider;
mod settle;

pub use advance::advance;
pub use cart::{Cart, Item};
pub use idempotency::IdempotencyKey;
pub use lease::{Lease, claim, claim_to_cancel, postpone};
pub use place::{Placed, Purchase};
pub use settle::{Advanced, leave};
