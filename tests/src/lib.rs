//! What the end-to-end tests stand on: the local cloud, and customers who use it.
//!
//! Every test brings its own customers, source addresses and products, so that all can run at once against one cloud.

#![expect(clippy::missing_panics_doc, reason = "a helper of a test panics where the test fails")]

mod broken;
mod call;
mod cloud;
mod counts;
mod customer;
mod dev;
mod eventually;
mod logs;
mod postgres;
mod provider;
mod redis_server;
mod shop;

pub use broken::{Broken, away, breaker_forced};
pub use call::{Answer, Call, every_page, invoke, new_address, new_key};
pub use cloud::{database, env};
pub(crate) use cloud::{folder, own_database};
pub use counts::{Cost, cost_of};
pub use customer::{Customer, PASSWORD, administrator, administrator_with_account, log_in};
pub use dev::dev;
pub use eventually::{PATIENCE, eventually};
pub use logs::Logs;
pub use postgres::{Paused, pause_postgres};
pub use provider::{
    charges_of, customer_authenticates, customer_pays_past_the_shop, intent_of, provider_failing,
    provider_failing_for_ever, provider_refusing, provider_slow, refund_at_the_provider,
    requests_to_provider, webhooks_lost,
};
pub use redis_server::{ask_redis, redis_refuses};
pub use shop::{
    deadlocks, get_product, new_product, orders_by_hand, priced, status_of, stock_of, update_product,
};
