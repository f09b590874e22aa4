//! Who is calling: passwords at the door, access tokens after it.

#[cfg(feature = "passwords")]
pub mod password;
pub mod token;
