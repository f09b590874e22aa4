//! Where the provider is and how it knows us.

use http::{HeaderMap, HeaderValue, header};
use url::Url;

use super::Secret;
use crate::outgoing::is_private;

/// The version of Stripe's API whose objects we read. Pinned: otherwise the account's own setting decides.
const API_VERSION: &str = "2026-09-30.endive";

/// What the client needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `PAYMENTS_URL`: `https://api.stripe.com`, or a double on this machine.
    pub base_url: String,
    /// `PAYMENTS_KEY`: the secret key, `sk_…` or `rk_…`.
    pub secret_key: Secret,
}

/// Settings with which no payment could be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SettingsError {
    /// The URL does not parse, or has no host.
    #[error("PAYMENTS_URL is not a URL; set it to https://api.stripe.com")]
    NotAUrl,
    /// The secret key would travel in the clear.
    #[error(
        "PAYMENTS_URL must begin with https://, except for a provider on this machine (127.0.0.1, localhost)"
    )]
    InTheClear,
    /// A key that no HTTP header can carry.
    #[error("PAYMENTS_KEY is empty or holds characters that no key has; set it to the provider's secret key")]
    NotAKey,
    /// The crypto library and the TLS library do not fit together: a mistake in how we were built.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

impl Settings {
    pub(super) fn base_url(&self) -> Result<Url, SettingsError> {
        let url = Url::parse(&self.base_url).map_err(|_| SettingsError::NotAUrl)?;
        url.host().ok_or(SettingsError::NotAUrl)?;
        if is_private(&url) { Ok(url) } else { Err(SettingsError::InTheClear) }
    }

    pub(super) fn headers(&self) -> Result<HeaderMap, SettingsError> {
        let key = self.secret_key.reveal();
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(SettingsError::NotAKey);
        }
        let mut authorization =
            HeaderValue::try_from(format!("Bearer {key}")).map_err(|_| SettingsError::NotAKey)?;
        authorization.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, authorization);
        headers.insert("stripe-version", HeaderValue::from_static(API_VERSION));
        Ok(headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(base_url: &str, secret_key: &str) -> Settings {
        Settings { base_url: base_url.to_owned(), secret_key: Secret::new(secret_key) }
    }

    #[test]
    fn it_does_not_send_the_secret_key_in_the_clear() {
        for url in
            ["https://api.stripe.com", "http://127.0.0.1:8420", "http://localhost:1/", "http://[::1]:1"]
        {
            assert!(settings(url, "sk_test_1").base_url().is_ok(), "{url}");
        }
        for url in ["http://api.stripe.com", "http://10.0.0.1", "ftp://127.0.0.1"] {
            assert_eq!(settings(url, "sk_test_1").base_url(), Err(SettingsError::InTheClear), "{url}");
        }
    }

    #[test]
    fn it_refuses_what_is_not_a_url() {
        for url in ["", "api.stripe.com", "mailto:stripe", "unix:/tmp/socket"] {
            assert_eq!(settings(url, "sk_test_1").base_url(), Err(SettingsError::NotAUrl), "{url}");
        }
    }

    #[test]
    fn it_refuses_a_key_that_no_header_can_carry() {
        for key in ["", "  ", "sk test", "sk_\u{e9}"] {
            assert_eq!(
                settings("https://api.stripe.com", key).headers(),
                Err(SettingsError::NotAKey),
                "{key}"
            );
        }
    }

    #[test]
    fn it_keeps_the_secret_key_out_of_debug_output() {
        let settings = settings("https://api.stripe.com", "sk_test_hidden");
        let shown = format!("{settings:?} {:?}", settings.headers());
        assert!(!shown.contains("hidden"), "{shown}");
    }
}
