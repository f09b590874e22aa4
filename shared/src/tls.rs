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

#[cfg(test)]
mod tests {
    /// What `.cargo/config.toml` says is not said by whoever builds with another one. The library's names stand in the
    /// symbols of this very program, as in every other of the same build.
    #[test]
    fn no_environment_gathers_jitter_before_its_first_handshake() {
        let program = std::env::current_exe().and_then(std::fs::read).expect("this program");
        let has = |name: &[u8]| program.windows(name.len()).any(|part| part == name);
        assert!(has(b"CRYPTO_sysrand"), "it has no symbols, and so proves nothing");
        // Written otherwise, because it would stand in the program for standing here.
        let name = "jent-entropy-init".replace('-', "_");
        assert!(!has(name.as_bytes()), "aws-lc-sys was built without AWS_LC_SYS_NO_JITTER_ENTROPY=1");
    }
}
