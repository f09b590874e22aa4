//! Lambda and what is around it, on this machine: from a template.yaml and the functions' binaries, and knowing no
//! shop.
//!
//! | module | holds |
//! |---|---|
//! | [`template`] | what template.yaml says: functions, routes, queues, schedules |
//! | [`runtime_api`] | runs functions as Lambda does: environments, deadlines, one invocation at a time |
//! | [`gateway`] | calls them as API Gateway does, and as Lambda's own invoke API does |
//! | [`sources`] | invokes them from queues and schedules |
//! | [`aws`] | the account and the region there are, and a client of the local queues |
//! | [`tell`] | where it is told what happened |
//!
//! `sources` and `gateway` stand on `runtime_api` and `template`, and those on nothing of ours.

pub mod aws;
pub mod gateway;
pub mod runtime_api;
pub mod sources;
pub mod tell;
pub mod template;
