//! What a person types.

mod breaker;
mod inspect;
mod invoke;
mod lifecycle;
mod redrive;
mod shells;

pub(crate) use breaker::{Order, breaker};
pub(crate) use inspect::{logs, status};
pub(crate) use invoke::invoke;
pub(crate) use lifecycle::{down, reset, start, stop, up};
pub(crate) use redrive::redrive;
pub(crate) use shells::{psql, redis};
