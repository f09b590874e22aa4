//! Accounts: who may log in, for how long, and what becomes of who leaves.

#[cfg(feature = "aws")]
mod answer;
#[cfg(feature = "aws")]
mod authenticate;
mod by_email;
mod elsewhere;
#[cfg(feature = "aws")]
mod email;
mod me;
#[cfg(feature = "aws")]
mod register;
#[cfg(feature = "aws")]
mod sign_in;
mod sign_out;

/// The most characters of an e-mail address, as the schema has it.
const LONGEST_EMAIL: usize = 254;

/// The most characters that a body about an account has in its texts: an address, and two passwords of 256.
#[cfg(feature = "aws")]
pub const CHARACTERS: usize = LONGEST_EMAIL + 2 * 256;

#[cfg(feature = "aws")]
pub use answer::SignedIn;
#[cfg(feature = "aws")]
pub use authenticate::{Authenticated, authenticate, failures};
pub use by_email::{Account, by_email};
pub use elsewhere::require_own;
#[cfg(feature = "aws")]
pub use email::Email;
pub use me::{Profile, erase, me};
#[cfg(feature = "aws")]
pub use register::{first_administrator, register};
#[cfg(feature = "aws")]
pub use sign_in::{change_password, refresh, sign_in};
pub use sign_out::sign_out;
