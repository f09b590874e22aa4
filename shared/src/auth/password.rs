//! Passwords, as argon2id hashes in PHC strings.
//!
//! Parameters are those of OWASP's password storage cheat sheet (19 MiB, two passes, one lane): about 15 ms of one core.
//! Hashing is work for a blocking thread: on a `current_thread` runtime it would hold up everything else.

use std::sync::{Mutex, PoisonError};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::{
        PasswordHasher,
        phc::{Output, PasswordHash},
    },
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
        Ok(matches(&password, &hash).map_err(|error| Error::Hash(error.to_string()))? && known)
    })
    .await
}

/// What [`argon2::PasswordVerifier`] does, with memory that is kept. It allocates its blocks anew each time, aligned, and
/// glibc gives the next hash other memory than the last one had: an environment grew to 239 MB in 200 logins.
fn matches(password: &str, hash: &PasswordHash) -> argon2::password_hash::Result<bool> {
    static MEMORY: Mutex<Vec<Block>> = Mutex::new(Vec::new());

    let version = hash.version.map_or(Ok(Version::default()), Version::try_from)?;
    let argon2 = Argon2::new(Algorithm::try_from(hash.algorithm.as_str())?, version, Params::try_from(hash)?);
    let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else { return Ok(false) };
    let mut output = vec![0; expected.len()];
    // Hashes wait for each other: an environment has one processor or little more. One that panicked left only scratch.
    let mut memory = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    memory.resize(argon2.params().block_count(), Block::new());
    argon2.hash_password_into_with_memory(password.as_bytes(), salt, &mut output, &mut *memory)?;
    // In constant time.
    Ok(Output::new(&output)? == *expected)
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

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn many_logins_take_the_memory_of_one() {
        for _ in 0..16 {
            verify("anything".to_owned(), None).await.expect("does the work");
        }
        let status = std::fs::read_to_string("/proc/self/status").expect("a process");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its peak");
        let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().expect("a number");
        // It was 165 MB.
        assert!(kilobytes < 80 * 1024, "{kilobytes} kB");
    }
}
