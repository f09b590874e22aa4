//! How often a caller may ask, route by route.

use crate::rate_limit::Policy;

/// Every route under /api/: 100 calls a minute.
pub const API: Policy = Policy::per_minute("api", 100);
/// Search: 30 calls a minute, because each may be dear.
pub const SEARCH: Policy = Policy::per_minute("search", 30);
/// Login, by source address: 5 calls a minute, whoever guesses.
pub const LOGIN: Policy = Policy::per_minute("login", 5).degraded(2);
/// New accounts, by source address.
pub const REGISTER: Policy = Policy::per_minute("register", 5).degraded(2);
/// Refresh tokens, by source address: many customers may share one.
pub const REFRESH: Policy = Policy::per_minute("refresh", 60).degraded(20);
/// Checkout: as every route, but stricter when Redis is away.
pub const CHECKOUT: Policy = Policy::per_minute("checkout", 100).degraded(20);
