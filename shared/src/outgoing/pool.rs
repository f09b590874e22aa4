//! One kept connection pool, made on the first call and made anew when it may have gone stale unnoticed.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use rustls::ClientConfig;

use super::client;
use crate::tls;

/// A pool that rested longer than this is thrown away. By the wall clock: a Lambda environment is frozen between
/// invocations, its monotonic clock may stand still meanwhile, and the connections that the client's own idle limit
/// would have closed look young when it thaws, while the server closed them long ago.
const REST: Duration = Duration::from_secs(30);

/// A client with the connections it keeps.
pub(crate) struct Pool {
    headers: HeaderMap,
    /// Shared by every client that is made, so that a new one resumes the TLS session of the last.
    tls: ClientConfig,
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    client: reqwest::Client,
    used: SystemTime,
}

impl Pool {
    /// `headers` go with every request.
    pub(crate) fn new(headers: HeaderMap) -> Result<Self, rustls::Error> {
        let tls = tls::client(tls::of_the_web())?;
        Ok(Self { headers, tls, kept: Mutex::new(None) })
    }

    /// The client to use at `now`.
    pub(crate) fn client(&self, now: SystemTime) -> reqwest::Result<reqwest::Client> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let client = match kept.take() {
            Some(Kept { client, used }) if !is_stale(used, now) => client,
            _ => self.build()?,
        };
        *kept = Some(Kept { client: client.clone(), used: now });
        Ok(client)
    }

    /// Throws the kept connections away: where one broke under a request, its siblings may be as dead.
    pub(crate) fn renew(&self) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn build(&self) -> reqwest::Result<reqwest::Client> {
        client(self.headers.clone(), self.tls.clone(), REST)
    }
}

/// A clock that was set back counts as a long rest: a new connection costs less than a dead one.
fn is_stale(used: SystemTime, now: SystemTime) -> bool {
    now.duration_since(used).map_or(true, |rest| rest > REST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_speaks_tls_with_the_version_of_rustls_that_the_client_expects() {
        let pool = Pool::new(HeaderMap::new()).expect("a pool");
        pool.client(SystemTime::now()).expect("a client");
    }

    #[test]
    fn it_throws_connections_away_that_rested_too_long_by_the_wall_clock() {
        let used = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        assert!(!is_stale(used, used));
        assert!(!is_stale(used, used + REST));
        assert!(is_stale(used, used + REST + Duration::from_millis(1)));
    }

    #[test]
    fn it_trusts_no_connection_after_the_clock_was_set_back() {
        let used = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        assert!(is_stale(used, used - Duration::from_secs(1)));
    }
}
