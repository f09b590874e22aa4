//! The resilience mechanisms on a real Redis. Needs `redis-server` on the PATH.

mod breaker;
mod cache;
mod limiter;
mod redis;
mod relay;
mod server;
