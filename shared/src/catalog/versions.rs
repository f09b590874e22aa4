//! For which versions of a product something is meant.

use crate::error::{Error, Kind};

/// See the module.
#[derive(Debug)]
pub struct Versions {
    /// One of these; any, if `None`.
    pub any_of: Option<Vec<i64>>,
    /// None of these.
    pub none_of: Vec<i64>,
}

/// It is meant for another than this one, which the product has.
pub(super) fn another_version(version: i64) -> Error {
    let detail = format!("The product has changed: its version is {version} now.");
    Error::new(Kind::PreconditionFailed, detail)
}
