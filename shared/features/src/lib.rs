//! Nothing but a list of features, in `Cargo.toml`.
//!
//! Cargo compiles a crate once for each set of its features, and whatever stands on it too. `./dev`,
//! `cargo lambda watch` and the tests build different parts of the workspace; with this crate among them all three ask
//! for the same, and find what another has compiled. No function depends on it, so that what is deployed has only what
//! it needs.
