//! Demo data: the same shop on every machine, with dates that end today.
//!
//! Product n is `01900000-0000-7000-8000-{n}`, user n `01900000-0000-7000-9000-{n}`, order n `01900000-0000-7000-a000-{n}`,
//! each n in twelve hexadecimal digits.

use anyhow::Result;
use sqlx::{Connection, Executor, PgConnection};

/// Somebody who can log in; so can all other demo users, who are customers.
pub(crate) struct Login {
    pub(crate) id: &'static str,
    pub(crate) email: &'static str,
}

/// User 1.
pub(crate) const CUSTOMER: Login =
    Login { id: "01900000-0000-7000-9000-000000000001", email: "user-1@millrace.example" };
/// User 2.
pub(crate) const ADMINISTRATOR: Login =
    Login { id: "01900000-0000-7000-9000-000000000002", email: "user-2@millrace.example" };
/// Of all demo users; `demo/people.sql` holds its hash.
pub(crate) const PASSWORD: &str = "follow-the-water";

const PARTS: [&str; 3] = [include_str!("people.sql"), include_str!("products.sql"), include_str!("orders.sql")];

/// Whether the tables are empty.
pub(crate) async fn is_missing(database: &mut PgConnection) -> Result<bool> {
    let exists = "select exists (select from users union all select from products union all select from orders)";
    Ok(!sqlx::query_scalar::<_, bool>(exists).fetch_one(database).await?)
}

/// Loads everything, or nothing.
pub(crate) async fn load(database: &mut PgConnection) -> Result<()> {
    let mut transaction = database.begin().await?;
    for part in PARTS {
        transaction.execute(part).await?;
    }
    transaction.commit().await?;
    // Fresh statistics, and a visibility map, so that the plans are those of a shop that has been running for a while.
    database.execute("vacuum (analyze)").await?;
    Ok(())
}
