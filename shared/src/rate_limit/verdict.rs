//! What the limiter says, and how answers tell it.

use std::fmt::{self, Write};
use std::time::Duration;

use super::Policy;

/// What is left of one policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The policy, with the limit that applied: the degraded one where Redis was away.
    pub policy: Policy,
    /// The calls that are left now.
    pub remaining: u32,
    /// Until some of what is used comes back.
    pub reset: Duration,
    /// Until a further call is allowed; zero unless this policy rejects the call.
    pub wait: Duration,
}

/// Whether a call is allowed, and what is left of each policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a verdict that nobody reads limits nothing"]
pub struct Verdict {
    /// Whether the call is allowed. If so it has been charged to every policy, else to none.
    pub allowed: bool,
    /// Each policy, in the order it was given.
    pub quotas: Vec<Quota>,
    /// Redis was away: this environment counted for itself.
    pub degraded: bool,
}

impl Verdict {
    /// The policies that reject the call.
    pub fn violated(&self) -> impl Iterator<Item = &Policy> {
        self.quotas.iter().filter(|quota| !quota.wait.is_zero()).map(|quota| &quota.policy)
    }

    /// How long to wait until the call would be allowed; `None` if it is allowed now.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        (!self.allowed).then(|| self.quotas.iter().map(|quota| quota.wait).max().unwrap_or_default())
    }

    /// The response headers, as names and values: the usual `X-RateLimit-…` for the tightest policy, the fields of
    /// draft-ietf-httpapi-ratelimit-headers for all of them, and `Retry-After` (RFC 9110) for a rejected call.
    #[must_use]
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let Some(tightest) = self.quotas.iter().min_by_key(|quota| (quota.remaining, quota.policy.limit))
        else {
            return Vec::new();
        };
        let policies = self.list(|list, Quota { policy, .. }| {
            write!(list, "\"{}\";q={};w={}", policy.name, policy.limit, policy.window.as_secs())
        });
        let left = self.list(|list, quota| {
            write!(list, "\"{}\";r={};t={}", quota.policy.name, quota.remaining, seconds(quota.reset))
        });
        let mut headers = vec![
            ("x-ratelimit-limit", tightest.policy.limit.to_string()),
            ("x-ratelimit-remaining", tightest.remaining.to_string()),
            ("ratelimit-policy", policies),
            ("ratelimit", left),
        ];
        headers.extend(self.retry_after().map(|wait| ("retry-after", seconds(wait).to_string())));
        headers
    }

    fn list(&self, item: impl Fn(&mut String, &Quota) -> fmt::Result) -> String {
        let mut list = String::with_capacity(32 * self.quotas.len());
        for quota in &self.quotas {
            if !list.is_empty() {
                list.push_str(", ");
            }
            // Writing to a string cannot fail.
            let _ = item(&mut list, quota);
        }
        list
    }
}

/// Whole seconds, rounded up: who waits as long as told is not rejected again.
fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const API: Policy = Policy::per_minute("api", 100);
    const SEARCH: Policy = Policy::per_minute("search", 30);

    fn quota(policy: Policy, remaining: u32, reset_ms: u64, wait_ms: u64) -> Quota {
        let (reset, wait) = (Duration::from_millis(reset_ms), Duration::from_millis(wait_ms));
        Quota { policy, remaining, reset, wait }
    }

    #[test]
    fn headers_name_every_policy_and_the_tightest_one() {
        let quotas = vec![quota(API, 42, 12_001, 0), quota(SEARCH, 3, 7_000, 0)];
        let verdict = Verdict { allowed: true, degraded: false, quotas };
        let expected = [
            ("x-ratelimit-limit", "30"),
            ("x-ratelimit-remaining", "3"),
            ("ratelimit-policy", "\"api\";q=100;w=60, \"search\";q=30;w=60"),
            ("ratelimit", "\"api\";r=42;t=13, \"search\";r=3;t=7"),
        ];
        assert_eq!(verdict.headers(), expected.map(|(name, value)| (name, value.to_owned())));
    }

    #[test]
    fn a_rejected_call_is_told_when_to_come_back() {
        let quotas = vec![quota(API, 0, 900, 900), quota(SEARCH, 3, 7_000, 0)];
        let verdict = Verdict { allowed: false, degraded: false, quotas };
        assert_eq!(verdict.headers().last(), Some(&("retry-after", "1".to_owned())));
        assert_eq!(verdict.violated().collect::<Vec<_>>(), [&API]);
    }
}
