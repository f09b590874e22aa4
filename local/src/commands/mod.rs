//! What a person types.

mod breaker;
mod inspect;
mod invoke;
mod lifecycle;
mod redrive;
mod shells;
mod sizes;

pub(crate) use breaker::{Order, breaker};
pub(crate) use inspect::{logs, read_from, status};
pub(crate) use invoke::invoke;
pub(crate) use lifecycle::{down, reset, start, stop, up};
pub(crate) use redrive::redrive;
pub(crate) use shells::{psql, redis};
pub(crate) use sizes::sizes;
