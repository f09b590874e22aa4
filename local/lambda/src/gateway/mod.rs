//! The doors of a [`Fleet`](crate::runtime_api::Fleet): the HTTP API as API Gateway serves it, and Lambda's own invoke
//! API, on one port.
//!
//! | module | holds |
//! |---|---|
//! | `route` | which function answers a method and a path |
//! | `event` | a request as the event that a function gets |
//! | `answer` | what a function returned, as a response |
//! | `server` | both doors |

mod answer;
mod event;
mod route;
mod server;

pub use event::{HttpRequest, event};
pub use route::{Matched, Router};
pub use server::open;
