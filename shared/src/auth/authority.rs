//! Whose access tokens count: the shop's own, or those of its identity provider, and never both.

use super::provider::Provider;
use super::token::Verifier;
use super::{Error, User};

/// Who issues the access tokens that are accepted here.
pub enum Authority {
    /// Login issues them.
    Shop(Box<Verifier>),
    /// The identity provider of the setting `TOKEN_ISSUER` does.
    Provider(Provider),
}

impl Authority {
    /// Who the token says is calling, if it is good. Asks nobody while the provider's keys are known.
    pub async fn verify(&self, token: &str) -> Result<User, Error> {
        match self {
            Self::Shop(verifier) => {
                let claims = verifier.verify(token)?;
                Ok(User::of_shop(claims.sub, claims.role))
            }
            Self::Provider(provider) => provider.verify(token).await,
        }
    }

    /// The identity provider, where people sign in there and not here.
    #[must_use]
    pub fn provider(&self) -> Option<&Provider> {
        match self {
            Self::Shop(_) => None,
            Self::Provider(provider) => Some(provider),
        }
    }
}
