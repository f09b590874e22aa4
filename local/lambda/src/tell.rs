//! Where it is told what happened, a line at a time.

use std::fmt::Arguments;

/// Takes a line.
pub type Tell = fn(Arguments<'_>);

/// Where nobody wants to know: functions that are killed on purpose fail, and nobody needs to be told.
pub fn nobody(_: Arguments<'_>) {}
