//! What the shop holds: whom and what the journeys meet.

use anyhow::Result;
use uuid::Uuid;

use cloud::Cloud;

/// Products, numbered from 1.
pub(super) const PRODUCTS: u32 = 40;
/// The user who may change products.
pub(super) const ADMINISTRATOR: Uuid = user(2);
/// The first user who is a customer and nothing else.
pub(super) const FIRST_CUSTOMER: u32 = 10;
/// Users from here on come when all is over; no run is so long that a journey's customer is one of them.
pub(super) const LAST_VISITORS: u32 = 59_000;

/// Fills the tables.
pub(super) async fn open(cloud: &Cloud) -> Result<()> {
    cloud.sql(include_str!("shop.sql")).await.map(drop)
}

/// The id of a product.
pub(super) const fn product(number: u32) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number as u128)
}

/// The id of a user.
pub(super) const fn user(number: u32) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_9000_0000_0000_0000 + number as u128)
}
