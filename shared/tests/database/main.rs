//! `shared::database` against servers of its own: every test starts a Postgres and a PgBouncer, so that it may pause
//! and kill them. They listen on Unix sockets in a temporary folder: no port can be taken. `checkout`,
//! `charging`, `deadlines` and `following` are what an order depends on.

#[path = "../certificates/mod.rs"]
mod certificates;
mod charging;
mod checkout;
mod counted;
mod deadlines;
mod encoder;
mod following;
mod frozen;
mod insights;
mod migrations;
mod outage;
mod pool;
mod pooler;
mod provider;
mod servers;
mod settings;
mod statements;
mod tls;
mod transaction;
mod versions;
