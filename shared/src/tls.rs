//! TLS for clients: one crypto library in the whole binary, and whom to trust.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// A client that trusts servers with a certificate of one of these authorities.
///
/// # Errors
/// None that could happen: the crypto library has what the protocol's versions need.
pub fn client(authorities: RootCertStore) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(authorities)
        .with_no_client_auth())
}

/// Mozilla's list, which is in the binary: reading the system's took 30 to 60 ms for each client (measured,
/// unoptimised).
#[must_use]
pub fn of_the_web() -> RootCertStore {
    webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()
}

/// The authorities of a PEM text; `None` if it holds no certificate, or one that cannot be read.
pub(crate) fn of_pem(text: &[u8]) -> Option<RootCertStore> {
    let mut authorities = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(text) {
        authorities.add(certificate.ok()?).ok()?;
    }
    // A client that trusts nobody would be refused by everybody, later and less clearly.
    (!authorities.is_empty()).then_some(authorities)
}
