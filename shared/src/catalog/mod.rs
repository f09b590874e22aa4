//! Products: what is sold, and how it is read and changed.
//!
//! A product's stock is not part of it: stock moves with every order, and a cached product need not.

mod amounts;
mod changed;
mod featured;
mod find;
mod load;
mod money;
mod page;
mod product;
mod search;
mod update;

pub use amounts::{Misfit, Rule};
pub use changed::{Changed, changed_within};
pub use featured::{FEATURED_KEY, featured};
pub use find::find;
pub use load::load;
pub use money::{Currency, Money};
pub use page::page;
pub use product::{Product, ProductId};
pub use search::{MOST_FOUND, MOST_SKIPPED, Search, Words, search};
pub use update::{Change, INVALIDATION_LOST, Versions, update};
