//! A row of the API table: which route, which limits.

use super::limits;
use crate::rate_limit::Policy;

/// What a function serves.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint {
    route: &'static str,
    policies: &'static [Policy],
    by_address: bool,
    in_versions: bool,
}

impl Endpoint {
    /// Method and path pattern as in `template.yaml`: `GET /api/products/{id}`. Limited like every route under `/api/`.
    pub const fn new(route: &'static str) -> Self {
        Self { route, policies: &[limits::API], by_address: false, in_versions: false }
    }

    /// Replaces the policies that a caller is held to here.
    #[must_use]
    pub const fn limited_by(self, policies: &'static [Policy]) -> Self {
        Self { policies, ..self }
    }

    /// Charges every call to its source address, whatever token comes along. For what is done without an account: else
    /// whoever opens many accounts would have as many quotas.
    #[must_use]
    pub const fn by_address(self) -> Self {
        Self { by_address: true, ..self }
    }

    /// What is changed here has versions, and the handler sees to it which of them a request is meant for. Elsewhere a
    /// condition on a version never holds, and reading the body says so.
    #[must_use]
    pub const fn in_versions(self) -> Self {
        Self { in_versions: true, ..self }
    }

    /// Whether the handler sees to the request's conditions.
    pub const fn is_in_versions(&self) -> bool {
        self.in_versions
    }

    /// Whether every call is charged to its source address.
    pub const fn is_by_address(&self) -> bool {
        self.by_address
    }

    /// Whether it matters who is calling: to what is done, or to whom it is charged.
    pub const fn is_about_the_caller(&self) -> bool {
        !self.by_address && !self.policies.is_empty()
    }

    /// Method and path pattern.
    pub const fn route(&self) -> &'static str {
        self.route
    }

    /// The policies that a caller is held to here.
    pub const fn policies(&self) -> &'static [Policy] {
        self.policies
    }
}
