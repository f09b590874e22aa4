//! Text that people write and read.

use serde::{Deserialize, Deserializer, de};
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// A line of text, such as a name: of so many characters, with something to see in it. Signs that nobody sees and
/// space around it are cut off, and its letters are composed.
///
/// # Errors
/// Says what such a text looks like.
pub fn line<'de, D: Deserializer<'de>>(deserializer: D, longest: usize) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if !is_line(&text) {
        return Err(de::Error::custom("must be one line, without control characters"));
    }
    let text = kept(&text, longest)?;
    if text.contains(is_visible) {
        Ok(text)
    } else {
        Err(de::Error::custom(format!("must have 1 to {longest} characters, at least one of them visible")))
    }
}

/// Lines of text, such as a description: at most so many characters, perhaps none; otherwise like a [`line()`].
///
/// # Errors
/// Says what such a text looks like.
pub fn lines<'de, D: Deserializer<'de>>(deserializer: D, longest: usize) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.contains(|character: char| character.is_control() && !matches!(character, '\n' | '\r' | '\t')) {
        return Err(de::Error::custom("must not contain control characters other than line ends and tabs"));
    }
    kept(&text, longest)
}

/// As it is kept, unless it is too long.
fn kept<E: de::Error>(text: &str, longest: usize) -> Result<String, E> {
    let text = readable(text);
    if text.chars().count() > longest {
        return Err(E::custom(format!("must have at most {longest} characters")));
    }
    Ok(text)
}

/// The text composed, and without what only says where a line may be broken, and other signs that nobody sees and no
/// script needs: to Postgres a word ends at them, and would not be found by what can be read. Joiners stay, of which
/// letters of Persian and Hindi are made, and pictures of people.
pub(crate) fn readable(text: &str) -> String {
    let is_hint = |character| {
        matches!(
            character,
            '\u{ad}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{feff}'
        )
    };
    composed(&text.chars().filter(|character| !is_hint(*character)).collect::<String>())
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

/// Drawn upon the letter before it. Some marks are drawn as nothing, or only choose among forms of the letter.
fn is_mark(character: char) -> bool {
    let blank = matches!(
        character,
        '\u{34f}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180d}'
            | '\u{180f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{e0100}'..='\u{e01ef}'
    );
    !blank && character.general_category_group() == GeneralCategoryGroup::Mark
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
        for text in ["Lamp", "  Lamp  ", "ランプ", "💡", "👩\u{200d}🌾", "é", "-"] {
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
    fn what_is_kept_is_found_by_what_can_be_read() {
        for (given, kept) in [
            ("Donau\u{ad}dampf", "Donaudampf"),
            ("Wal\u{200b}nut", "Walnut"),
            ("\u{feff} Wal\u{2060}nut \u{200b}", "Walnut"),
            ("か\u{3099}らす", "がらす"),
            ("Cafe\u{301}", "Café"),
            // These have to be seen apart, or are of the writing.
            ("نمی\u{200c}خواهم", "نمی\u{200c}خواهم"),
            ("👩\u{200d}🌾", "👩\u{200d}🌾"),
        ] {
            assert_eq!(line(json!(given), 10).expect("a line"), kept);
            assert_eq!(lines(json!(format!("{given}\n")), 10).expect("lines"), kept);
        }
        assert_eq!(line(json!("a\u{ad}".repeat(10)), 10).expect("ten to be seen"), "a".repeat(10));
    }

    #[test]
    fn what_is_seen_whole_has_no_sign_that_is_drawn_as_nothing() {
        for text in ["ada@example.com", "zoé", "zoe\u{301}", "जि", "💡"] {
            assert!(is_seen_whole(text), "{text:?}");
        }
        for hidden in
            ["\u{ad}", "\u{200b}", "\u{200d}", "\u{feff}", "\u{34f}", "\u{fe0f}", "\u{e0100}", "\u{3164}"]
        {
            assert!(!is_seen_whole(&format!("a{hidden}b")), "{hidden:?}");
        }
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
