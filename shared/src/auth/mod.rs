//! Who is calling: passwords at the door, access tokens after it, refresh tokens for the next one.

mod error;
#[cfg(feature = "passwords")]
mod new_password;
#[cfg(feature = "passwords")]
pub mod password;
mod refresh_token;
mod signing_key;
pub mod token;

#[cfg(feature = "passwords")]
pub use new_password::NewPassword;
pub use refresh_token::RefreshToken;
pub use signing_key::SigningKey;
