//! The settings that every function reads at its start, with the reason for each default. `docs/settings.md` lists all.

use std::env;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use crate::auth::provider;
use crate::token_bucket::Limit;

/// A setting that is missing or cannot be read. Its text names the variable, never the value: many are secrets.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// A variable without a default is not set.
    #[error("the environment variable {0} is not set; docs/settings.md lists what each function needs")]
    Missing(&'static str),
    /// A variable's value is not of the right shape.
    #[error("the environment variable {0} cannot be read: it must be {1}")]
    Malformed(&'static str, &'static str),
}

/// What the functions are told by their environment.
#[derive(Clone)]
pub struct Config {
    /// `DATABASE_URL`: the pooler's address (RDS Proxy, PgBouncer), role `millrace_app`.
    pub database_url: String,
    /// `DATABASE_IAM_AUTH`: sign in with a token instead of the URL's password. Off where no IAM is.
    pub database_iam_auth: bool,
    /// `REQUIRE_TLS`: refuse addresses of Postgres and Redis without verified TLS. Off on one's own machine;
    /// template.yaml says true, whatever the addresses are and wherever they come from.
    pub require_tls: bool,
    /// `AWS_LAMBDA_MAX_CONCURRENCY`: requests that one environment serves at a time, and so the size of its pool. 1 on
    /// ordinary Lambda, which sets nothing; Managed Instances set more.
    pub concurrency: usize,
    /// `REDIS_URL`: `redis://`, or `rediss://` for TLS.
    pub redis_url: String,
    /// `REDIS_CLUSTER`: whether that address is one of a cluster. ElastiCache Serverless needs no cluster client.
    pub redis_cluster: bool,
    /// `REDIS_IAM_AUTH`, `REDIS_CACHE_NAME`: sign in as the URL's user with tokens of IAM, for the `ElastiCache`
    /// Serverless cache of this name. Off where no IAM is.
    pub redis_iam_cache: Option<String>,
    /// `REDIS_CA_FILE`: with `rediss://`, the path of a PEM file with the certificate authorities to trust, and no
    /// others. Unset, those of the web are trusted, which sign `ElastiCache`'s certificates.
    pub redis_ca: Option<Vec<u8>>,
    /// `CACHE_TTL_SECONDS`: how long a cached product counts as fresh. 300 s bound how long a change past the API stays
    /// unseen; updates do not wait for it, they invalidate.
    pub cache_ttl: Duration,
    /// `TOKEN_PUBLIC_KEY`: verifies access tokens.
    pub token_public_key: String,
    /// `TOKEN_ISSUER` and what goes with it: the identity provider whose access tokens count, and then no others do.
    pub identity_provider: Option<provider::Settings>,
    /// `EDGE_SECRET_HASHES`: by what requests of CloudFront are known, and so believed whom it serves. Empty where
    /// there is no CloudFront in front.
    pub edge_secret_hashes: String,
    /// `BREAKER_OPEN_SECONDS`: how long the payment breaker stays open before it probes. 60 s: an outage lasts minutes.
    pub breaker_open: Duration,
    /// `BREAKER_MIN_ENVIRONMENTS`: how many environments must have seen failures before the breaker opens. 1 where
    /// there may be only one; template.yaml says 2, so that one sick environment cannot open it for all.
    pub breaker_min_environments: u32,
    /// `PAYMENTS_RATE_LIMIT`: how many calls a second the provider takes for each of its endpoints. Unset, nobody
    /// counts; template.yaml says 25, which is what Stripe takes unless it was asked for more.
    pub payments_rate_limit: Option<Limit>,
    /// `ORDER_DEADLINE_SECONDS`: how long after it was placed an order is given up that could not be charged. A day:
    /// longer than an outage, and no longer than a customer remembers.
    pub order_deadline: Duration,
    /// `UNPAID_ORDERS_LIMIT`, `UNPAID_PIECES_LIMIT`: what a customer's unpaid orders may hold of the stock.
    pub unpaid: Unpaid,
}

/// What a customer may leave unpaid at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unpaid {
    /// So many orders.
    pub orders: u32,
    /// So many pieces in them.
    pub pieces: u32,
}

impl Unpaid {
    /// Unless it is set: more than anybody needs during an outage, and a small part of a shop.
    pub const USUAL: Self = Self { orders: 20, pieces: 2_000 };
}

impl Config {
    /// Reads the environment.
    pub fn from_env() -> Result<Self, Error> {
        Ok(Self {
            database_url: required("DATABASE_URL")?,
            database_iam_auth: flag("DATABASE_IAM_AUTH")?,
            require_tls: flag("REQUIRE_TLS")?,
            concurrency: at_a_time()?,
            redis_url: required("REDIS_URL")?,
            redis_cluster: flag("REDIS_CLUSTER")?,
            redis_iam_cache: flag("REDIS_IAM_AUTH")?.then(|| required("REDIS_CACHE_NAME")).transpose()?,
            redis_ca: file("REDIS_CA_FILE")?,
            cache_ttl: cache_ttl()?,
            token_public_key: required("TOKEN_PUBLIC_KEY")?,
            identity_provider: identity_provider()?,
            edge_secret_hashes: optional("EDGE_SECRET_HASHES").unwrap_or_default(),
            breaker_open: breaker_open()?,
            breaker_min_environments: at_least_one("BREAKER_MIN_ENVIRONMENTS", 1)?,
            payments_rate_limit: payments_rate_limit()?,
            order_deadline: order_deadline()?,
            unpaid: Unpaid {
                orders: at_least_one("UNPAID_ORDERS_LIMIT", Unpaid::USUAL.orders)?,
                pieces: at_least_one("UNPAID_PIECES_LIMIT", Unpaid::USUAL.pieces)?,
            },
        })
    }
}

/// How many invocations Lambda gives this environment at a time.
pub(crate) fn at_a_time() -> Result<usize, Error> {
    Ok(number("AWS_LAMBDA_MAX_CONCURRENCY", 1)?.max(1))
}

fn identity_provider() -> Result<Option<provider::Settings>, Error> {
    let Some(issuer) = optional("TOKEN_ISSUER") else { return Ok(None) };
    let usual = provider::Settings::new(&issuer, &required("TOKEN_AUDIENCE")?);
    Ok(Some(provider::Settings {
        roles_claim: optional("TOKEN_ROLES_CLAIM").unwrap_or(usual.roles_claim),
        administrator_role: optional("TOKEN_ADMINISTRATOR_ROLE").unwrap_or(usual.administrator_role),
        clock_skew: Duration::from_secs(number("TOKEN_CLOCK_SKEW_SECONDS", 60)?),
        authorities: file("TOKEN_ISSUER_CA_FILE")?,
        ..usual
    }))
}

/// Less than a minute, and an order would be given up while its first charge is under way. And no customer waits for
/// more than a year.
fn order_deadline() -> Result<Duration, Error> {
    const DEADLINE: &str = "ORDER_DEADLINE_SECONDS";
    seconds(DEADLINE, number(DEADLINE, 86_400)?, 60..=31_536_000, "a whole number from 60 to 31536000")
}

/// Redis keeps nothing for no time, and for longer than a day nothing should stay unseen.
fn cache_ttl() -> Result<Duration, Error> {
    const TTL: &str = "CACHE_TTL_SECONDS";
    seconds(TTL, number(TTL, 300)?, 1..=86_400, "a whole number from 1 to 86400")
}

/// For longer nobody should wait before somebody tries again.
fn breaker_open() -> Result<Duration, Error> {
    const OPEN: &str = "BREAKER_OPEN_SECONDS";
    seconds(OPEN, number(OPEN, 60)?, 1..=3600, "a whole number from 1 to 3600")
}

fn seconds(
    name: &'static str,
    seconds: u64,
    bounds: RangeInclusive<u64>,
    shape: &'static str,
) -> Result<Duration, Error> {
    if bounds.contains(&seconds) {
        Ok(Duration::from_secs(seconds))
    } else {
        Err(Error::Malformed(name, shape))
    }
}

fn payments_rate_limit() -> Result<Option<Limit>, Error> {
    let malformed = Error::Malformed("PAYMENTS_RATE_LIMIT", "a whole number of at least 5");
    let limit = |text: String| text.parse().ok().and_then(Limit::new).ok_or(malformed);
    optional("PAYMENTS_RATE_LIMIT").map(limit).transpose()
}

/// With none nobody could buy.
fn at_least_one(name: &'static str, default: u32) -> Result<u32, Error> {
    match number(name, default)? {
        0 => Err(Error::Malformed(name, "a whole number of at least 1")),
        limit => Ok(limit),
    }
}

/// A variable that only some functions need, read when they first need it.
pub fn required(name: &'static str) -> Result<String, Error> {
    optional(name).ok_or(Error::Missing(name))
}

/// Whether a variable says anything.
#[must_use]
pub fn is_set(name: &str) -> bool {
    optional(name).is_some()
}

/// A switch that only some functions have; off unless it says `true`.
pub fn enabled(name: &'static str) -> Result<bool, Error> {
    flag(name)
}

/// The first of these variables that says anything.
#[cfg(feature = "aws")]
pub(crate) fn first(names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| optional(name))
}

fn optional(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn file(name: &'static str) -> Result<Option<Vec<u8>>, Error> {
    let read =
        |path| std::fs::read(path).map_err(|_| Error::Malformed(name, "the path of a file that can be read"));
    optional(name).map(read).transpose()
}

fn flag(name: &'static str) -> Result<bool, Error> {
    parse(name, false, "true or false")
}

fn number<T: FromStr>(name: &'static str, default: T) -> Result<T, Error> {
    parse(name, default, "a whole number")
}

fn parse<T: FromStr>(name: &'static str, default: T, shape: &'static str) -> Result<T, Error> {
    match optional(name) {
        Some(value) => value.parse().map_err(|_| Error::Malformed(name, shape)),
        None => Ok(default),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_makes_no_sense_is_refused_at_the_start_by_its_name() {
        let read = |time| seconds("SOME_SECONDS", time, 1..=3600, "a whole number from 1 to 3600");
        assert_eq!(read(1).ok(), Some(Duration::from_secs(1)));
        assert_eq!(read(3600).ok(), Some(Duration::from_hours(1)));
        for time in [0, 3601, u64::MAX] {
            let refused = read(time).expect_err("refused").to_string();
            assert!(
                refused.contains("SOME_SECONDS cannot be read: it must be a whole number from 1 to 3600")
            );
        }
    }
}
