//! Accounts: who may log in, for how long, and what becomes of who leaves.

#[cfg(feature = "passwords")]
mod answer;
#[cfg(feature = "passwords")]
mod authenticate;
mod by_email;
mod elsewhere;
#[cfg(feature = "passwords")]
mod email;
mod me;
#[cfg(feature = "passwords")]
mod register;
#[cfg(feature = "passwords")]
mod sign_in;
mod sign_out;

/// The most characters of an e-mail address, as the schema has it.
const LONGEST_EMAIL: usize = 254;

/// The most characters that a body about an account has in its texts: an address, and two passwords of 256.
#[cfg(feature = "passwords")]
pub const CHARACTERS: usize = LONGEST_EMAIL + 2 * 256;

#[cfg(feature = "passwords")]
pub use answer::SignedIn;
#[cfg(feature = "passwords")]
pub use authenticate::{Authenticated, COMPARED, authenticate, failures, slow_down, wrong_password};
pub use by_email::{Account, by_email};
pub use elsewhere::require_own;
#[cfg(feature = "passwords")]
pub use email::Email;
pub use me::{Profile, erase, me};
#[cfg(feature = "passwords")]
pub use register::{first_administrator, register};
#[cfg(feature = "passwords")]
pub use sign_in::{change_password, refresh, sign_in};
pub use sign_out::sign_out;
