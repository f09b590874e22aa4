//! AWS's services: how they are asked, with hard limits, and how a request is signed in advance.

#[cfg(feature = "aws")]
pub mod client;
mod keys;
#[cfg(feature = "aws")]
pub mod objects;
pub mod presign;
#[cfg(feature = "aws")]
pub mod queue;
#[cfg(all(test, feature = "aws"))]
mod scripted;
pub mod secrets;
#[cfg(feature = "aws")]
mod transport;
