//! What products say of themselves, as administrators write it.

use serde::Deserializer;

use crate::text;

pub(super) const LONGEST_NAME: usize = 200;
pub(super) const LONGEST_DESCRIPTION: usize = 4000;

pub(super) fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    text::line(deserializer, LONGEST_NAME)
}

pub(super) fn description<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    text::lines(deserializer, LONGEST_DESCRIPTION)
}
