//! Products: what is sold, and how it is read and changed.
//!
//! A product's stock is not part of it: stock moves with every order, and a cached product need not.

mod amounts;
mod announce;
mod changed;
mod featured;
mod find;
mod highlight;
mod load;
mod money;
mod page;
mod place;
mod popularity;
mod product;
mod search;
mod update;

pub use amounts::{Misfit, Rule};
pub use announce::{Announcement, INVALIDATION_LOST};
pub use changed::{Changed, changed_within};
pub use featured::{FEATURED_KEY, featured};
pub use find::find;
pub use load::load;
pub use money::{Currency, MOST_PRICE, Money};
pub use page::page;
pub use place::Place;
pub use popularity::rank;
pub use product::{Product, ProductId};
pub use search::{MOST_FOUND, Search, Words, search};
pub use update::{Change, update};
