//! Passwords, as argon2id hashes in PHC strings.
//!
//! Parameters are those of OWASP's password storage cheat sheet (19 MiB, two passes, one lane): about 15 ms of one core.
//! Hashing is work for a blocking thread: on a `current_thread` runtime it would hold up everything else.

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};

/// A hash of nobody's password, so that a login for an unknown account takes as long as one for a known account.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bWlsbHJhY2Utbm9ib2R5$\
                      BmbpAjNFXYc96u/8/3F5yIQS3gbOfLSi1M6RsA5+uiI";

/// Why a password could not be hashed or compared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The stored hash is not a PHC string, or hashing failed.
    #[error("password hash: {0}")]
    Hash(String),
    /// The blocking thread died.
    #[error("password hashing was cut short")]
    Cancelled,
}

/// Hashes a password for storage.
pub async fn hash(password: String) -> Result<String, Error> {
    blocking(move || {
        let hash = Argon2::default().hash_password(password.as_bytes());
        hash.map(|hash| hash.to_string()).map_err(|error| Error::Hash(error.to_string()))
    })
    .await
}

/// Whether `password` is the one behind `stored`; without an account (`None`) the answer is no, after the same work.
pub async fn verify(password: String, stored: Option<String>) -> Result<bool, Error> {
    blocking(move || {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| NOBODY.to_owned());
        let hash = PasswordHash::new(&stored).map_err(|error| Error::Hash(error.to_string()))?;
        // Compares in constant time.
        let matches = Argon2::default().verify_password(password.as_bytes(), &hash).is_ok();
        Ok(known && matches)
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Cancelled)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_accepts_the_right_password_and_refuses_every_other() {
        let stored = hash("correct horse".to_owned()).await.expect("hashes");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(verify("correct horse".to_owned(), Some(stored.clone())).await.expect("verifies"));
        assert!(!verify("Correct horse".to_owned(), Some(stored)).await.expect("verifies"));
    }

    #[tokio::test]
    async fn an_unknown_account_costs_the_same_work_and_is_refused() {
        // Reading NOBODY must not fail: an error would answer at once and so tell which accounts exist.
        assert!(!verify("anything".to_owned(), None).await.expect("does the work"));
    }

    #[tokio::test]
    async fn a_damaged_hash_is_an_error_and_not_a_refusal() {
        assert!(matches!(verify("x".to_owned(), Some("plain".to_owned())).await, Err(Error::Hash(_))));
    }
}
