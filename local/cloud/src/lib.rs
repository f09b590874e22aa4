//! One local cloud: Postgres, `PgBouncer`, Redis, SQS, a payment provider and the functions, on this machine, without
//! Docker.
//!
//! | module | holds |
//! |---|---|
//! | [`Cloud`], [`folder`], [`ports`], [`secrets`], `scram`, [`account`], [`Wishes`] | what is known of one: where it lives, its addresses and keys, a password as Postgres keeps it, what was asked for |
//! | [`service`], [`services`] | the services by name; what each needs, how it is started and asked |
//! | [`launch`] | starts one of them and waits until it answers |
//! | [`supervisor`], [`lifecycle`] | starts them, watches over them and ends them; ends, empties and breaks a cloud that runs |
//! | [`builds`], `sources`, [`cargo`] | builds the functions while the cloud runs, and after each change; notices one; runs cargo |
//! | [`serving`] | the cloud's own two processes: the functions, and their queues and schedules |
//! | [`environment`] | `.dev/env`: what was started, for functions, tests and people |
//! | [`sql`], [`demo`] | SQL through `psql`; the demo data |
//! | [`own_cloud`] | a cloud that a command starts for itself |
//! | [`process`], [`record`] | processes that outlive a command, and what is known of them |
//! | [`ending`], [`given`] | the signals by which somebody ends a command, the files that they name |
//! | [`archive`] | how large a function is |
//! | [`figures`], [`key_value`], [`log`], [`progress`] | numbers for people, small files, logs, lines on the terminal |
//!
//! From the ground up: `key_value`, `log`, `progress`, `figures`, `ending`, `given`, `archive`; `folder`, `process`,
//! `service`, `record`; `cargo`, `sources`; [`Cloud`]; `sql`, `demo`, `environment`, `builds`, `serving`; `services`;
//! `supervisor`, `lifecycle`, `own_cloud`.

pub mod account;
pub mod archive;
pub mod builds;
pub mod cargo;
mod cloud;
pub mod demo;
pub mod ending;
pub mod environment;
pub mod figures;
pub mod folder;
pub mod given;
pub mod key_value;
pub mod launch;
pub mod lifecycle;
pub mod log;
pub mod own_cloud;
pub mod ports;
pub mod process;
pub mod progress;
pub mod record;
mod scram;
pub mod secrets;
pub mod service;
pub mod services;
pub mod serving;
mod sources;
pub mod sql;
pub mod supervisor;
mod wishes;

pub use self::cloud::{APPLICATION, Cloud};
pub use self::wishes::{LARGEST_SCALE, Wishes};
