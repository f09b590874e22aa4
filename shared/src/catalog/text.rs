//! What products say of themselves, as administrators write it.

use serde::{Deserialize, Deserializer, de};

pub(super) fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    text(deserializer, 1, 200)
}

pub(super) fn description<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    text(deserializer, 0, 4000)
}

fn text<'de, D: Deserializer<'de>>(deserializer: D, least: usize, most: usize) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?.trim().to_owned();
    if text.contains('\0') {
        return Err(de::Error::custom("must not contain the character U+0000"));
    }
    if !(least..=most).contains(&text.chars().count()) {
        return Err(de::Error::custom(format!("must have {least} to {most} characters")));
    }
    Ok(text)
}
