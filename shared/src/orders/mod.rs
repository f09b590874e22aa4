//! Orders, from checkout to paid.
//!
//! The order row is the truth; a queue message is only a nudge; the provider's PaymentIntent is the once-only token. Every
//! step forward is one function, [`advance`]: checkout, the worker and the sweeper all call it, so there is one place to
//! be right.

#[cfg(feature = "payments")]
mod advance;
mod answer;
mod checkout;
mod due;
mod find;
mod idempotency;
mod lease;
mod list;
mod place;
mod settle;
mod status;

#[cfg(feature = "payments")]
pub use advance::advance;
pub use answer::Answer;
pub use checkout::{Checkout, Item};
pub use due::take_due;
pub use find::find;
pub use idempotency::IdempotencyKey;
pub use lease::{Lease, Nudge, claim, postpone};
pub use list::{Cursor, list};
pub use place::{Placement, Plan, place};
pub use settle::Step;
pub use status::OrderStatus;

use crate::id::id;

id! {
    /// An order's id.
    OrderId
}
