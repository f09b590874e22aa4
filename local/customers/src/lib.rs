//! What customers of the demo shop do: for benchmarks and for load.
//!
//! | module | holds |
//! |---|---|
//! | [`traffic`] | each request that customers send, as the event that API Gateway makes of it |
//! | [`journeys`] | the mix of requests, and what each is about |
//! | [`schedule`] | when customers ask |

pub mod journeys;
pub mod schedule;
pub mod traffic;
