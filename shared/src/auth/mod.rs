//! Who is calling: passwords at the door, access tokens after it.

mod error;
#[cfg(feature = "passwords")]
pub mod password;
mod signing_key;
pub mod token;

pub use signing_key::SigningKey;
