//! Where people sign in at an identity provider, there is nothing to sign in to here.

use crate::auth::Authority;
use crate::error::{Error, Kind, Result};

/// Whether accounts and passwords are the shop's own.
///
/// # Errors
/// 404 if an identity provider has them, naming it.
pub fn require_own(authority: &Authority) -> Result<()> {
    let Some(provider) = authority.provider() else { return Ok(()) };
    let detail =
        "This shop has no accounts of its own. Sign in at its identity provider, the issuer named here.";
    Err(Error::new(Kind::SignInElsewhere, detail).member("issuer", provider.issuer()))
}
