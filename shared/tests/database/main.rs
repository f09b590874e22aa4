//! `shared::database` against servers of its own: every test starts a Postgres and a PgBouncer, so that it may pause and
//! kill them. They listen on Unix sockets in a temporary folder: no port can be taken. `checkout` are the statements that an
//! order depends on.

#[path = "../certificates/mod.rs"]
mod certificates;
mod checkout;
mod counted;
mod encoder;
mod frozen;
mod insights;
mod migrations;
mod outage;
mod pool;
mod pooler;
mod servers;
mod statements;
mod tls;
mod transaction;
