//! `shared::database` against servers of its own: every test starts a Postgres and a PgBouncer, so that it may pause
//! and kill them. They listen on Unix sockets in a temporary folder: no port can be taken. `checkout`,
//! `charging`, `consent`, `deadlines`, `following`, `life` and `repeated` are what an order depends on.

mod accounts;
#[path = "../certificates/mod.rs"]
mod certificates;
mod charging;
mod checkout;
mod consent;
mod counted;
mod deadlines;
mod encoder;
mod following;
mod frozen;
mod imports;
mod insights;
mod journeys;
mod life;
mod listing;
mod migrations;
mod outage;
mod pool;
mod pooler;
mod provider;
mod refunds;
mod repeated;
mod search;
mod servers;
mod settings;
mod statements;
mod stored;
mod tls;
mod transaction;
mod versions;
