//! What is kept.

use bytes::Bytes;

/// A cached value: the body as it goes out to callers, and the version of what it was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The bytes as the origin gave them.
    pub body: Bytes,
    /// Grows with each update of the same key. Redis compares it as a double: keep it below 2⁵³.
    pub version: i64,
}

/// A value, or the knowledge that there is none.
pub(super) type Value = Option<Entry>;
