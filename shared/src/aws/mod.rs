//! AWS's services: how they are asked, with hard limits, and how a request is signed in advance.

#[cfg(feature = "aws")]
mod client;
#[cfg(feature = "aws")]
pub mod objects;
pub mod presign;
#[cfg(feature = "aws")]
pub mod queue;
pub mod secrets;
