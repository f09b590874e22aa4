//! What a person types.

mod breaker;
mod export;
mod import;
mod inspect;
mod invoke;
mod open;
mod redrive;
mod shells;
mod sizes;
mod up;

pub(crate) use breaker::{Order, breaker};
pub(crate) use export::{Format, export};
pub(crate) use import::import;
pub(crate) use inspect::{logs, status};
pub(crate) use invoke::invoke;
pub(crate) use open::open;
pub(crate) use redrive::redrive;
pub(crate) use shells::{psql, redis};
pub(crate) use sizes::sizes;
pub(crate) use up::up;
