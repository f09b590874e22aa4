//! What everybody gets who has signed in.

use serde::Serialize;
use uuid::Uuid;

use crate::auth::RefreshToken;
use crate::auth::token::{self, Issuer, Role};
use crate::error::{Result, internal};

/// RFC 6749, section 5.1.
#[derive(Serialize)]
pub struct SignedIn {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    refresh_token: String,
}

impl SignedIn {
    /// A new access token for this user, beside the refresh token for the one after it.
    pub(super) fn new(issuer: &Issuer, user: Uuid, role: Role, refresh: &RefreshToken) -> Result<Self> {
        let access_token = issuer.issue(user, role, token::LIFETIME).map_err(internal)?;
        Ok(Self {
            access_token,
            token_type: "Bearer",
            expires_in: token::LIFETIME.as_secs(),
            refresh_token: refresh.reveal(),
        })
    }
}
