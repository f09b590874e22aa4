//! What is kept.

use bytes::Bytes;

/// A cached value: the body as it goes out to callers, and the version of what it was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The bytes as the origin gave them: JSON, of an object or a list. Anything else is not served from the cache.
    pub body: Bytes,
    /// Grows with each update of the same key. Redis compares it as a double: keep it below 2⁵³.
    pub version: i64,
}

/// Whether these bytes can be a body of ours. They are served as they are, by readers who do not parse them: what is
/// looked at is what every one of ours has, and what no answer could be made of.
pub(super) fn is_json(body: &[u8]) -> bool {
    let enclosed = matches!((body.first(), body.last()), (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']')));
    enclosed && std::str::from_utf8(body).is_ok()
}

/// A value, or the knowledge that there is none.
pub(super) type Value = Option<Entry>;
