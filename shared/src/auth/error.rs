//! What can be wrong with tokens and their keys.

/// Why a token was not issued or not accepted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The token was good once.
    #[error("the access token has expired")]
    Expired,
    /// Not a token of ours.
    #[error("the access token is not valid")]
    Invalid,
    /// The identity provider's keys are not known, and it does not answer.
    #[error("the identity provider's keys cannot be had")]
    NoKeys,
    /// A role the code does not know.
    #[error("unknown role")]
    Role,
    /// A key in the settings cannot be read.
    #[error("{0} is not an Ed25519 key in the expected encoding")]
    Key(&'static str),
}
