//! Certificates for servers of the tests.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// PEM texts.
pub(crate) struct Certificates {
    pub(crate) authority: String,
    /// Signed by the authority, for `localhost`.
    pub(crate) server: String,
    pub(crate) server_key: String,
}

/// An authority and a server's certificate, made anew.
pub(crate) fn certificates() -> Certificates {
    let mut authority = CertificateParams::new(Vec::new()).expect("parameters");
    // Not the name that the server's gets: OpenSSL takes a certificate for self-signed that has its issuer's.
    authority.distinguished_name.push(DnType::CommonName, "An authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = || KeyPair::generate().expect("a key");
    let authority = CertifiedIssuer::self_signed(authority, key()).expect("an authority");
    let server_key = key();
    let server = CertificateParams::new(vec!["localhost".to_owned()])
        .and_then(|parameters| parameters.signed_by(&server_key, &authority))
        .expect("a certificate");
    Certificates { authority: authority.pem(), server: server.pem(), server_key: server_key.serialize_pem() }
}
