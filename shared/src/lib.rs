//! What every Millrace function is built from.
//!
//! The rooms, from the edge inwards:
//!
//! | module | holds |
//! |---|---|
//! | [`http`] | serving a Lambda function: layers, JSON bodies, path parameters, the caller, responses |
//! | [`events`] | serving a function that SQS, a schedule or a person invokes |
//! | [`runtime_api`] | asking Lambda for invocations, and answering them |
//! | [`app`], [`config`] | what a handler may touch, built lazily; the settings it is built from |
//! | [`error`] | one error for HTTP: what the caller sees, apart from what the log gets |
//! | [`catalog`], [`orders`], [`checkout`] | the domain: products; orders; how they are placed and paid |
//! | [`insights`] | what the database knows about itself, and what to do about it |
//! | [`accounts`], [`auth`] | who may log in; passwords and access tokens |
//! | [`edge`] | how CloudFront is told from whoever claims to be it |
//! | [`cache`], [`rate_limit`], [`breaker`], [`token_bucket`] | the resilience mechanisms, commands of one Redis batch |
//! | [`database`], [`redis`], [`payments`], [`aws`] | the world outside; of AWS: queue, objects, secrets, signing in by IAM |
//! | `outgoing`, [`tls`] | how others are asked: with hard limits, and whom we trust |
//! | `id`, [`text`], `whole`, `object` | what bodies and rows are read as |
//! | [`time_limit`], `last_moment`, `alarm` | how long an invocation may still take; how it ends then; a timer that is kept |
//! | `caught` | a panic, which is a failure of one request |
//! | [`telemetry`] | logs and metrics |
//! | [`kill_point`] | where the chaos run kills |
//!
//! The domain uses mechanisms; mechanisms use `redis`; nothing below `http` knows it.

pub mod accounts;
mod alarm;
pub mod app;
pub mod auth;
pub mod aws;
pub mod breaker;
pub mod cache;
pub mod catalog;
mod caught;
#[cfg(feature = "aws")]
pub mod checkout;
pub mod config;
pub mod database;
pub mod edge;
pub mod error;
pub mod events;
pub mod http;
mod id;
pub mod insights;
pub mod kill_point;
mod last_moment;
mod object;
pub mod orders;
mod outgoing;
#[cfg(feature = "aws")]
pub mod payments;
pub mod rate_limit;
pub mod redis;
pub mod runtime_api;
pub mod telemetry;
pub mod text;
pub mod time_limit;
pub mod tls;
pub mod token_bucket;
mod whole;
