//! Orders: how they stand, and who has to look at them next.
//!
//! How an order comes to be and is paid is told in the room next door, `checkout`.

mod answer;
mod attention;
mod charge;
mod customer;
mod due;
mod find;
mod find_any;
mod items;
pub mod life;
mod list;
mod list_all;
mod moment;
#[cfg(feature = "aws")]
mod nudge;
mod oldest;
mod page;
mod status;
mod summary;

pub use answer::Answer;
pub use attention::call_operator;
pub(crate) use charge::StoredCharge;
pub use charge::{ChargeSummary, ClientSecret, WaitsFor};
pub use due::{News, Noted, intent_of_charge, may_be_unheard, take_due, take_note};
pub use find::{Details, find};
pub use find_any::{Dossier, find_any};
pub use items::{Line, items};
pub use list::{Cursor, PAGE, Page, list};
pub use list_all::{AllOrders, UserId, Wanted, list_all};
pub use moment::Moment;
#[cfg(feature = "aws")]
pub use nudge::{Nudge, nudge};
pub use oldest::oldest_unfinished;
pub use page::{Header, page};
pub use status::OrderStatus;
pub use summary::Summary;

use crate::id::id;

id! {
    /// An order's id.
    OrderId
}

impl OrderId {
    /// Where the API has the order.
    pub fn path(self) -> String {
        format!("/api/orders/{self}")
    }
}
