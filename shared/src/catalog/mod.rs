//! Products: what is sold, and how it is read and changed.
//!
//! A product's stock is not part of it: stock moves with every order, and a cached product need not. Whether there is
//! any is: the order of the last piece changes the product, by a trigger of the schema, and the sweeper tells the cache
//! within two minutes: it runs every minute, and nudges orders first.

mod amounts;
mod announce;
mod archive;
mod changed;
mod create;
mod export;
mod featured;
mod find;
mod highlight;
mod import;
mod line_of_file;
mod list;
mod load;
mod money;
mod page;
mod place;
mod popularity;
mod price;
mod prices;
mod product;
mod search;
mod stock;
mod text;
mod update;
mod versions;

pub use amounts::{Misfit, Rule};
pub use announce::{Announcement, INVALIDATION_LOST};
pub use archive::archive;
pub use changed::{Changed, Unannounced, announced, unannounced};
pub use create::{NewProduct, create};
pub use export::{Exported, export};
pub use featured::{FEATURED_KEY, featured};
pub use find::find;
pub use import::{Batch, Import, Refusal, Upload, Written, begin, changed_last, end, import};
pub use line_of_file::LineOfFile;
pub use list::{After, Filter, Listed, MOST_LISTED, Order, list};
pub use load::load;
#[cfg(feature = "aws")]
pub(crate) use money::minor_units;
pub use money::{Currency, Money};
pub use page::page;
pub use place::Place;
pub use popularity::rank;
pub use prices::Prices;
pub use product::{Product, ProductId};
pub use search::{MOST_FOUND, Search, Words, search};
pub use stock::{Stock, StockChange, set_stock};
pub use update::{Change, update};
pub use versions::Versions;
