//! Text that people write and read.

use serde::{Deserialize, Deserializer, de};
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// A line of text, such as a name: of so many characters, spaces around it cut off, with something to see in it.
///
/// # Errors
/// Says what such a text looks like.
pub fn line<'de, D: Deserializer<'de>>(deserializer: D, longest: usize) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if !is_line(&text) {
        return Err(de::Error::custom("must be one line, without control characters"));
    }
    let text = trimmed(&text, longest)?;
    if text.contains(is_visible) {
        Ok(text)
    } else {
        Err(de::Error::custom(format!("must have 1 to {longest} characters, at least one of them visible")))
    }
}

/// Lines of text, such as a description: at most so many characters, spaces around them cut off; perhaps none.
///
/// # Errors
/// Says what such a text looks like.
pub fn lines<'de, D: Deserializer<'de>>(deserializer: D, longest: usize) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.contains(|character: char| character.is_control() && !matches!(character, '\n' | '\r' | '\t')) {
        return Err(de::Error::custom("must not contain control characters other than line ends and tabs"));
    }
    trimmed(&text, longest)
}

fn trimmed<E: de::Error>(text: &str, longest: usize) -> Result<String, E> {
    let text = text.trim();
    if text.chars().count() > longest {
        return Err(E::custom(format!("must have at most {longest} characters")));
    }
    Ok(text.to_owned())
}

/// Whether nothing in it ends the line or turns it round, and no control character stands in it.
pub(crate) fn is_line(text: &str) -> bool {
    !text.contains(|character: char| {
        breaks_lines(character) || turns_round(character) || character.is_control()
    })
}

/// The text without space around it and with its letters composed (NFC): some keyboards write an é as one character,
/// and others as two.
pub(crate) fn composed(text: &str) -> String {
    text.trim().nfc().collect()
}

/// Whether readers see every character of it and no space. Two such texts that look the same are the same once they are
/// composed, but for letters that are drawn alike.
#[cfg(feature = "passwords")]
pub(crate) fn is_seen_whole(text: &str) -> bool {
    text.chars().all(|character| is_visible(character) || is_mark(character))
}

/// Whether readers see anything of it: neither space nor mark nor format, nor one of the letters and symbols that are
/// drawn as nothing.
pub(crate) fn is_visible(character: char) -> bool {
    let blank =
        matches!(character, '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}' | '\u{1d159}');
    let group = character.general_category_group();
    !blank
        && matches!(
            group,
            GeneralCategoryGroup::Letter
                | GeneralCategoryGroup::Number
                | GeneralCategoryGroup::Punctuation
                | GeneralCategoryGroup::Symbol
        )
}

/// Drawn upon the letter before it.
#[cfg(feature = "passwords")]
fn is_mark(character: char) -> bool {
    character.general_category_group() == GeneralCategoryGroup::Mark
}

fn breaks_lines(character: char) -> bool {
    matches!(
        character.general_category(),
        GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator
    )
}

/// Has what follows read from the other side, beyond the text itself. Arabic and Hebrew need none of these.
fn turns_round(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_has_something_to_see_and_ends_nowhere() {
        let read = |text: &str| line(json!(text), 10);
        for text in ["Lamp", "  Lamp  ", "ランプ", "💡", "👩\u{200d}🌾", "e\u{301}", "-"] {
            assert_eq!(read(text).expect("a line"), text.trim(), "{text:?}");
        }
        for text in [
            "",
            " ",
            "\u{a0}",
            "\u{200b}",
            "\u{200b} \u{feff}",
            "\u{3164}",
            "\u{2800}",
            "\u{301}",
            "\u{ad}",
            "\u{e0020}",
            "a\nb",
            "a\n",
            "a\r",
            "a\tb",
            "a\0b",
            "a\u{7f}",
            "a\u{85}b",
            "a\u{2028}b",
            "a\u{2029}",
            "a\u{202e}b",
            "a\u{2066}b",
            "12345678901",
        ] {
            assert!(read(text).is_err(), "{text:?}");
        }
        assert!(read(&"あ".repeat(10)).is_ok());
    }

    #[test]
    fn lines_may_end_and_be_none_and_hold_no_other_control_characters() {
        let read = |text: &str| lines(json!(text), 10);
        for text in ["", "a\nb", "a\r\n\tb", "💡"] {
            assert_eq!(read(text).expect("lines"), text, "{text:?}");
        }
        for text in ["a\0b", "\u{1b}[2J", "a\u{7f}", "a\u{85}b", "12345678901"] {
            assert!(read(text).is_err(), "{text:?}");
        }
    }
}
