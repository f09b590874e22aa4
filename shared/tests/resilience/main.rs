//! The resilience mechanisms on a real Redis. Needs `redis-server` on the PATH.

mod ask;
mod breaker;
mod cache;
mod cluster;
mod limiter;
mod redis;
mod relay;
mod server;
mod tls;
