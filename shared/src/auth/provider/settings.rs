//! Who the identity provider is, and what of its tokens counts.

use std::time::Duration;

use url::Url;

use crate::outgoing::is_private;

/// Enough for clocks that are kept, and no second life for a token.
const LARGEST_SKEW: Duration = Duration::from_mins(5);

/// What the shop believes of its identity provider.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `TOKEN_ISSUER`: as the provider writes itself into tokens, letter by letter.
    pub issuer: String,
    /// `TOKEN_AUDIENCE`: what tokens for this shop are for, one of these.
    pub audiences: Vec<String>,
    /// `TOKEN_ROLES_CLAIM`: which claim says what somebody may do.
    pub roles_claim: String,
    /// `TOKEN_ADMINISTRATOR_ROLE`: how that claim calls administrators.
    pub administrator_role: String,
    /// `TOKEN_CLOCK_SKEW_SECONDS`: by how much the provider's clock may differ.
    pub clock_skew: Duration,
    /// `TOKEN_ISSUER_CA_FILE`: PEM with the certificate authorities to trust, and no others. Unset, those of the web.
    pub authorities: Option<Vec<u8>>,
    /// Keys of this age are asked for again before they are used: a key that the provider withdrew is good for as long.
    pub fresh_for: Duration,
    /// The least time between two askings for keys, whoever causes them. Strangers can: a token names its key.
    pub ask_again_after: Duration,
}

/// Settings with which no token could be verified, or more than should be.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Who answers there would choose the keys.
    #[error(
        "TOKEN_ISSUER must be an address that begins with https://, without query and fragment; http:// is for a \
         provider on this machine (127.0.0.1, localhost)"
    )]
    Issuer,
    /// A provider issues tokens for many.
    #[error("TOKEN_AUDIENCE must say what tokens for this shop are for; several have commas between them")]
    Audience,
    /// A token would outlive its expiry for long.
    #[error("TOKEN_CLOCK_SKEW_SECONDS must be at most 300")]
    ClockSkew,
    /// Whoever is trusted by it could say whom we believe.
    #[error("TOKEN_ISSUER_CA_FILE must be a PEM file with certificates, and all of them readable")]
    Authorities,
    /// The crypto library and the TLS library do not fit together: a mistake in how we were built.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

impl Settings {
    /// Of an issuer and its audiences, with commas between several; the rest as most providers have it.
    #[must_use]
    pub fn new(issuer: &str, audiences: &str) -> Self {
        let audiences = audiences.split(',').map(str::trim).filter(|name| !name.is_empty());
        Self {
            issuer: issuer.to_owned(),
            audiences: audiences.map(str::to_owned).collect(),
            roles_claim: "roles".to_owned(),
            administrator_role: "administrator".to_owned(),
            clock_skew: Duration::from_mins(1),
            authorities: None,
            fresh_for: Duration::from_mins(10),
            ask_again_after: Duration::from_secs(30),
        }
    }

    /// Where the provider says where its keys are (OpenID Connect Discovery 1.0, section 4).
    pub(super) fn discovery(&self) -> Result<Url, SettingsError> {
        if self.audiences.is_empty() {
            return Err(SettingsError::Audience);
        }
        if self.clock_skew > LARGEST_SKEW {
            return Err(SettingsError::ClockSkew);
        }
        let issuer = Url::parse(&self.issuer).map_err(|_| SettingsError::Issuer)?;
        let plain = issuer.query().is_none() && issuer.fragment().is_none() && issuer.username().is_empty();
        if !is_private(&issuer) || !plain || self.issuer.contains(char::is_whitespace) {
            return Err(SettingsError::Issuer);
        }
        let address = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        Url::parse(&address).map_err(|_| SettingsError::Issuer)
    }
}
