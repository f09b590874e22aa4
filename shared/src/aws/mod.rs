//! AWS's services: how they are asked, with hard limits, and how a request is signed in advance.

#[cfg(any(feature = "queue", feature = "secrets"))]
mod client;
#[cfg(feature = "objects")]
pub mod objects;
pub mod presign;
#[cfg(feature = "queue")]
pub mod queue;
pub mod secrets;
