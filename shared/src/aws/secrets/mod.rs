//! Secrets that can be rotated while functions run.
//!
//! A setting `NAME` holds a secret itself (the local cloud), or `NAME_ARN` says where Secrets Manager keeps it (AWS).
//! What is made of it, such as a signing key, is made anew when the secret changes: a kept secret is read again after
//! ten minutes. While it cannot be read the old one is used.

#[cfg(feature = "aws")]
mod manager;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

#[cfg(feature = "aws")]
pub use manager::Manager;

use crate::config;

/// Why there is no secret.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// It was never read, and whoever keeps it does not answer.
    #[error("{0}")]
    Away(String),
    /// No setting names it.
    #[error(transparent)]
    Missing(#[from] config::Error),
    /// Nothing can be made of it.
    #[error("{0}")]
    Unusable(String),
}

/// Short for this room's.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A rotation is over for every environment after this long (docs/operations.md, "Rotate").
const KEPT_FOR: Duration = Duration::from_mins(10);

/// A forged webhook must not make us ask Secrets Manager each time.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(30);

/// What could be made of a secret, or what was wrong with it, in words without it.
pub type Made<T> = std::result::Result<T, String>;

/// Something made of a secret.
pub struct Rotating<T> {
    name: &'static str,
    source: Result<Source, config::Error>,
    make: fn(&str) -> Made<T>,
    kept_for: Duration,
    asked_again_after: Duration,
    kept: Mutex<Option<Kept<T>>>,
    /// One caller asks; those that come meanwhile wait for what it gets.
    asking: tokio::sync::Mutex<()>,
}

/// Where a secret is.
enum Source {
    Here(String),
    #[cfg(feature = "aws")]
    Stored(String, Manager),
}

struct Kept<T> {
    secret: String,
    made: Arc<T>,
    read_at: SystemTime,
    /// Later than `read_at` where it could not be read.
    asked_at: SystemTime,
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        let (secret, made) = (self.secret.clone(), Arc::clone(&self.made));
        Self { secret, made, read_at: self.read_at, asked_at: self.asked_at }
    }
}

impl<T> Rotating<T> {
    /// What `make` makes of the setting `name`. Nothing is read before it is needed.
    pub fn of_setting(name: &'static str, make: fn(&str) -> Made<T>) -> Self {
        let source = match config::required(name) {
            Ok(secret) => Ok(Source::Here(secret)),
            Err(missing) => stored(name).ok_or(missing),
        };
        Self::new(name, source, make)
    }

    /// What `make` makes of the secret under this ARN or name.
    #[cfg(feature = "aws")]
    pub fn stored(name: &'static str, arn: String, manager: Manager, make: fn(&str) -> Made<T>) -> Self {
        Self::new(name, Ok(Source::Stored(arn, manager)), make)
    }

    fn new(name: &'static str, source: Result<Source, config::Error>, make: fn(&str) -> Made<T>) -> Self {
        let (kept_for, asked_again_after) = (KEPT_FOR, ASKED_AGAIN_AFTER);
        let (kept, asking) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { name, source, make, kept_for, asked_again_after, kept, asking }
    }

    /// Reads it again after `kept_for`, and on demand after `asked_again_after`.
    #[must_use]
    pub fn read_again_after(self, kept_for: Duration, asked_again_after: Duration) -> Self {
        Self { kept_for, asked_again_after, ..self }
    }

    /// What was made of the secret, not older than ten minutes unless it cannot be read.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn get(&self) -> Result<Arc<T>> {
        self.younger_than(self.kept_for).await
    }

    /// What is made of a newer secret, if there is one: for when the one at hand was refused. Asks every half minute at
    /// most, because strangers can cause refusals.
    pub async fn get_newer(&self, than: &Arc<T>) -> Option<Arc<T>> {
        let newest = self.younger_than(self.asked_again_after).await.ok()?;
        (!Arc::ptr_eq(&newest, than)).then_some(newest)
    }

    async fn younger_than(&self, age: Duration) -> Result<Arc<T>> {
        if let Some(kept) = self.kept_since(age) {
            return Ok(kept);
        }
        let _asking = self.asking.lock().await;
        if let Some(kept) = self.kept_since(age) {
            return Ok(kept);
        }
        let old = self.kept().clone();
        let now = SystemTime::now();
        let kept = match (self.read(old.as_ref()).await, old) {
            (Ok((secret, made)), _) => Kept { secret, made, read_at: now, asked_at: now },
            (Err(error), None) => return Err(error),
            (Err(error), Some(old)) => {
                let (secret, cause) = (self.name, error.to_string());
                tracing::warn!(secret, cause, "{secret} was not read again, the old one is used: {cause}");
                Kept { asked_at: now, ..old }
            }
        };
        let made = Arc::clone(&kept.made);
        *self.kept() = Some(kept);
        Ok(made)
    }

    /// By wall clock, which runs on while an environment is frozen.
    fn kept_since(&self, age: Duration) -> Option<Arc<T>> {
        let kept = self.kept();
        let kept = kept.as_ref()?;
        let for_ever = matches!(self.source, Ok(Source::Here(_)));
        let within = |moment: SystemTime, age| moment.elapsed().is_ok_and(|elapsed| elapsed < age);
        let asked = within(kept.asked_at, age.min(self.asked_again_after));
        (for_ever || asked || within(kept.read_at, age)).then(|| Arc::clone(&kept.made))
    }

    #[cfg_attr(
        not(feature = "aws"),
        expect(clippy::unused_async, reason = "there is nobody to wait for without stored secrets")
    )]
    async fn read(&self, old: Option<&Kept<T>>) -> Result<(String, Arc<T>)> {
        let secret = match &self.source {
            Ok(Source::Here(secret)) => secret.clone(),
            #[cfg(feature = "aws")]
            Ok(Source::Stored(arn, manager)) => manager.read(arn).await.map_err(Error::Away)?,
            Err(missing) => return Err(missing.clone().into()),
        };
        let made = match old {
            Some(old) if old.secret == secret => Arc::clone(&old.made),
            _ => Arc::new((self.make)(&secret).map_err(Error::Unusable)?),
        };
        Ok((secret, made))
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Option<Kept<T>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(feature = "aws")]
fn stored(name: &'static str) -> Option<Source> {
    let arn = std::env::var(format!("{name}_ARN")).ok().filter(|arn| !arn.is_empty());
    arn.map(|arn| Source::Stored(arn, Manager::default()))
}

#[cfg(not(feature = "aws"))]
fn stored(_: &'static str) -> Option<Source> {
    None
}
