//! The resilience mechanisms on a real Redis. Needs `redis-server` on the PATH.
//!
//! | module | shows |
//! |---|---|
//! | `redis`, `tls`, `cluster` | the client in each bad situation, with the time a caller loses to it |
//! | `cache`, `limiter`, `breaker`, `token_bucket` | what each mechanism promises, through its public door |
//! | `gate` | the way to the payment provider: breaker and tokens together |
//! | `foreign` | what somebody else has left at their keys |
//! | `observed`, `counted` | what logs and metrics are told |
//! | `models` | every interleaving of a few callers, within bounds |
//! | `protocol`, `agreement` | the cache's scripts in Rust; the same random histories in Rust and in Lua, step by step |
//! | `interleavings` | random orders of updates and fills on a real Redis |
//! | `clocks` | the limiter under clocks that step back |
//! | `processes` | many processes, and killed ones |
//! | `server`, `relay`, `certificates`, `ask` | what they need: servers, bad lines, authorities, scripts that tell |
//!
//! `RESILIENCE_DEPTH=10` looks deeper than the gate does.

mod agreement;
mod ask;
mod breaker;
mod cache;
#[path = "../certificates/mod.rs"]
mod certificates;
mod clocks;
mod cluster;
mod counted;
mod foreign;
mod gate;
mod interleavings;
mod limiter;
mod models;
mod observed;
mod processes;
mod protocol;
mod redis;
mod relay;
mod server;
mod tls;
mod token_bucket;
