//! Who is calling: passwords at the door, access tokens after it, refresh tokens for the next one.

mod authority;
mod error;
#[cfg(feature = "aws")]
mod new_password;
#[cfg(feature = "aws")]
pub mod password;
pub mod provider;
mod refresh_token;
mod signing_key;
pub mod token;
mod user;

pub use authority::Authority;
pub use error::Error;
#[cfg(feature = "aws")]
pub use new_password::NewPassword;
pub use refresh_token::RefreshToken;
pub use signing_key::SigningKey;
pub use user::{Subject, User};
