//! How large a statement may become.

/// Longest text that is sent, arguments included. RDS Proxy pins the connection of a client that sends more.
pub const MAX_TEXT_BYTES: usize = 16 * 1024;

/// The same of a [`long`](super::Statement::long) statement, whose connection is closed if it sent more than the other.
pub(super) const MAX_LONG_TEXT_BYTES: usize = 32 * 1024;

/// The same of a [`bulk`](super::Statement::bulk) statement.
pub(super) const MAX_BULK_TEXT_BYTES: usize = 1024 * 1024;

/// Most ids to bind as one array. Each takes 37 bytes, so about 1.5 KB is left for the rest of the statement.
pub const MAX_IDS: usize = 400;
