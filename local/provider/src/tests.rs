//! Millrace's client against the local provider, over real sockets.

mod faults;
mod keys;
mod payments;
mod webhooks;
mod wire;
