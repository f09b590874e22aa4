//! What is found at the beginning of some text.

use shared::catalog::LineOfFile;

/// What stands at the beginning of some text.
pub(super) enum Cut {
    /// Its end is not there yet.
    More,
    /// So many bytes, the line's end included, and what they hold.
    Taken(usize, Result<LineOfFile, Refused>),
    /// It cannot be told where it ends: its first line is refused, and the next one tried.
    Broken(Refused),
}

/// Why something is not a product, without its line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) field: Option<String>,
    pub(super) message: String,
}

impl From<&str> for Refused {
    fn from(message: &str) -> Self {
        Self { field: None, message: message.to_owned() }
    }
}
