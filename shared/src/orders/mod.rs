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
mod items;
mod lease;
mod list;
mod nudge;
mod page;
mod place;
#[cfg(feature = "payments")]
mod provider;
mod settle;
mod status;

#[cfg(feature = "payments")]
pub use advance::advance;
pub use answer::{Answer, ChargeSummary};
pub use checkout::{Checkout, Item};
pub use due::{make_due, take_due};
pub use find::{Details, find};
pub use idempotency::IdempotencyKey;
pub use items::{Line, items};
pub use lease::{Lease, claim, claim_to_cancel, postpone};
pub use list::{Cursor, PAGE, Page, list};
pub use nudge::Nudge;
#[cfg(feature = "queue")]
pub use nudge::nudge;
pub use page::{Header, page};
pub use place::{Placed, Purchase};
pub use settle::{Advanced, leave};
pub use status::OrderStatus;

use crate::id::id;

id! {
    /// An order's id.
    OrderId
}
