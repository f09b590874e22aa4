//! For which versions of a product something is meant.

use crate::database::Query;
use crate::error::{Error, Kind};

/// See the module.
#[derive(Debug, PartialEq, Eq)]
pub struct Versions {
    /// One of these; any, if `None`.
    pub any_of: Option<Vec<i64>>,
    /// None of these.
    pub none_of: Vec<i64>,
}

impl Versions {
    /// The last three parameters of a statement: whether any version will do, which will, and which will not.
    pub(super) fn bind(self, query: Query) -> Query {
        query.bind(self.any_of.is_none()).bind(self.any_of.unwrap_or_default()).bind(self.none_of)
    }
}

/// It is meant for another than this one, which the product has.
pub(super) fn another_version(version: i64) -> Error {
    let detail = format!("The product is at version {version}, and the request is for another.");
    Error::new(Kind::PreconditionFailed, detail)
}
