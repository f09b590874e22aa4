//! Demo data: the same shop on every machine, with dates that end today.
//!
//! Product n is `01900000-0000-7000-8000-{n}`, user n `01900000-0000-7000-9000-{n}`, order n
//! `01900000-0000-7000-a000-{n}`, each n in twelve hexadecimal digits.
//!
//! `MILLRACE_SCALE=10` makes ten times as much of everything, with as many orders for each user: what a shop's growth
//! costs. `MILLRACE_SCALE=0` is an empty shop: the customer and the administrator of `.dev/env`, and nothing to sell.

use anyhow::Result;
use uuid::Uuid;

use crate::cloud::Cloud;
use crate::figures::thousands;

/// Products and users at scale 1.
pub const PRODUCTS: u64 = 10_000;
/// See [`PRODUCTS`].
pub const USERS: u64 = 1_000;
/// Orders of each user.
const ORDERS: u64 = 50;

/// Somebody who can log in; so can all other demo users, who are customers.
pub struct Login {
    /// The user.
    pub id: Uuid,
    /// What one logs in with.
    pub email: &'static str,
}

/// User 1.
pub const CUSTOMER: Login = Login {
    id: Uuid::from_u128(0x0190_0000_0000_7000_9000_0000_0000_0001),
    email: "user-1@millrace.example",
};
/// User 2.
pub const ADMINISTRATOR: Login = Login {
    id: Uuid::from_u128(0x0190_0000_0000_7000_9000_0000_0000_0002),
    email: "user-2@millrace.example",
};
/// User 1,000, whom a sample event forgets.
pub const LEAVER: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_9000_0000_0000_03e8);
/// Of all demo users; `demo/people.sql` holds its hash.
pub const PASSWORD: &str = "follow-the-water";

const PEOPLE: &str = include_str!("people.sql");
/// What an empty shop lacks.
const SHOP: [&str; 2] = [include_str!("products.sql"), include_str!("orders.sql")];

/// Whether the tables are empty.
pub async fn is_missing(cloud: &Cloud) -> Result<bool> {
    let filled = "select 1 where exists (select from users union all select from products union all select from orders)";
    Ok(cloud.sql(filled).await?.is_empty())
}

/// How much there is at a scale, in words.
pub fn amount(scale: u32) -> String {
    if scale == 0 {
        return "no products, 2 users and no orders".to_owned();
    }
    let scaled = |number: u64| thousands(number * u64::from(scale));
    format!("{} products, {} users and {} orders", scaled(PRODUCTS), scaled(USERS), scaled(USERS * ORDERS))
}

/// Loads everything, or nothing.
pub async fn load(cloud: &Cloud, scale: u32) -> Result<()> {
    // Fresh statistics, and a visibility map, so that the plans are those of a shop that has been running for a while.
    let shop = if scale == 0 { String::new() } else { SHOP.join("\n") };
    let sql = format!("\\set scale {scale}\nbegin;\n{PEOPLE}\n{shop}\ncommit;\nvacuum (analyze);");
    cloud.sql(&sql).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_as_much_of_everything_as_the_scale_says() {
        assert_eq!(amount(0), "no products, 2 users and no orders");
        assert_eq!(amount(1), "10,000 products, 1,000 users and 50,000 orders");
        assert_eq!(amount(10), "100,000 products, 10,000 users and 500,000 orders");
    }
}
