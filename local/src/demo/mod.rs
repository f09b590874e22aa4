//! Demo data: the same shop on every machine, with dates that end today.
//!
//! Product n is `01900000-0000-7000-8000-{n}`, user n `01900000-0000-7000-9000-{n}`, order n `01900000-0000-7000-a000-{n}`,
//! each n in twelve hexadecimal digits.

use anyhow::Result;
use uuid::Uuid;

use crate::cloud::{Cloud, DATABASE};
use crate::services::Service;

/// Somebody who can log in; so can all other demo users, who are customers.
pub(crate) struct Login {
    pub(crate) id: Uuid,
    pub(crate) email: &'static str,
}

/// User 1.
pub(crate) const CUSTOMER: Login = Login {
    id: Uuid::from_u128(0x0190_0000_0000_7000_9000_0000_0000_0001),
    email: "user-1@millrace.example",
};
/// User 2.
pub(crate) const ADMINISTRATOR: Login = Login {
    id: Uuid::from_u128(0x0190_0000_0000_7000_9000_0000_0000_0002),
    email: "user-2@millrace.example",
};
/// Of all demo users; `demo/people.sql` holds its hash.
pub(crate) const PASSWORD: &str = "follow-the-water";

const PARTS: [&str; 3] =
    [include_str!("people.sql"), include_str!("products.sql"), include_str!("orders.sql")];

/// Whether the tables are empty.
pub(crate) async fn is_missing(cloud: &Cloud) -> Result<bool> {
    let filled = "select 1 where exists (select from users union all select from products union all select from orders)";
    Ok(cloud.sql(Service::Postgres, DATABASE, filled).await?.is_empty())
}

/// Loads everything, or nothing.
pub(crate) async fn load(cloud: &Cloud) -> Result<()> {
    // Fresh statistics, and a visibility map, so that the plans are those of a shop that has been running for a while.
    let sql = format!("begin;\n{}\ncommit;\nvacuum (analyze);", PARTS.join("\n"));
    cloud.sql(Service::Postgres, DATABASE, &sql).await.map(drop)
}
