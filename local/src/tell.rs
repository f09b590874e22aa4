//! Where it is told what happened, a line at a time.

use std::fmt::Arguments;

/// Takes a line.
pub(crate) type Tell = fn(Arguments<'_>);

/// Where nobody wants to know: functions that are killed on purpose fail, and that is no news.
pub(crate) fn nobody(_: Arguments<'_>) {}
