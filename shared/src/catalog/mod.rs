//! Products: what is sold, and how it is read and changed.
//!
//! A product's stock is not part of it: stock moves with every order, and a cached product need not.

mod changed;
mod featured;
mod find;
mod money;
mod product;
mod update;

pub use changed::{Changed, changed_within};
pub use featured::{FEATURED_KEY, featured};
pub use find::find;
pub use money::{Currency, Money};
pub use product::{Product, ProductId};
pub use update::{Change, update};
