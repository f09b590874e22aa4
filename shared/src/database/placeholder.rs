//! Finds `$1…$n` in static SQL text, and refuses text it cannot read with certainty.
//!
//! It runs in the compiler when a [`Statement`](super::Statement) is declared as a `static`, so what it refuses does
//! not build. Only the static text is ever read: an argument that looks like a placeholder is never looked at.

/// Most arguments a statement may take. None of ours comes near; a bit set of the numbers seen fits into a `u64`.
const MOST: usize = 64;

/// A `$n` in a statement's text.
pub(super) struct Placeholder {
    pub(super) start: usize,
    pub(super) end: usize,
    /// From 1.
    pub(super) number: usize,
}

/// How many arguments the text takes.
///
/// # Panics
///
/// On text that [`next`] refuses, and where a number below the highest is not used.
pub(super) const fn count(text: &str) -> usize {
    let (mut seen, mut highest, mut at) = (0_u64, 0, 0);
    while let Some(found) = next(text, at) {
        seen |= 1 << (found.number - 1);
        if found.number > highest {
            highest = found.number;
        }
        at = found.end;
    }
    assert!(seen.count_ones() as usize == highest, "placeholders are numbered from $1 without a gap");
    highest
}

/// The first placeholder at or after byte `at`, which must lie outside quotes and comments.
///
/// # Panics
///
/// On what the functions do not need and what would make the text's meaning depend on a server setting or on a second
/// reading: backslashes in strings (`standard_conforming_strings`), prefixed strings (`E'…'`), dollar quotes, nested
/// comments, several statements in one text.
pub(super) const fn next(text: &str, mut at: usize) -> Option<Placeholder> {
    let text = text.as_bytes();
    while at < text.len() {
        let previous = if at == 0 { b' ' } else { text[at - 1] };
        match text[at] {
            b'\'' => {
                assert!(
                    !is_identifier(previous) && previous != b'&',
                    "write a plain string: no E'…', B'…', X'…', U&'…', and a space before the quote"
                );
                at = end_of_quoted(text, at);
            }
            b'"' => at = end_of_quoted(text, at),
            b'-' if at + 1 < text.len() && text[at + 1] == b'-' => at = end_of_line(text, at),
            b'/' if at + 1 < text.len() && text[at + 1] == b'*' => at = end_of_comment(text, at + 2),
            b'$' => {
                assert!(!is_identifier(previous), "a placeholder must not touch the word before it");
                return Some(read(text, at));
            }
            b';' => {
                panic!("one statement without a semicolon: a text of several is not atomic behind a pooler")
            }
            0 => panic!("NUL in SQL text"),
            _ => at += 1,
        }
    }
    None
}

/// The first word outside comments, from where to where.
///
/// # Panics
///
/// Where there is none.
pub(super) const fn first_word(text: &str) -> (usize, usize) {
    let text = text.as_bytes();
    let mut start = 0;
    while start + 1 < text.len() {
        match (text[start], text[start + 1]) {
            (b'-', b'-') => start = end_of_line(text, start),
            (b'/', b'*') => start = end_of_comment(text, start + 2),
            (b' ' | b'\t' | b'\r' | b'\n', _) => start += 1,
            _ => break,
        }
    }
    let mut end = start;
    while end < text.len() && text[end].is_ascii_alphabetic() {
        end += 1;
    }
    assert!(end > start, "a statement begins with a word");
    (start, end)
}

const fn read(text: &[u8], start: usize) -> Placeholder {
    let (mut number, mut end) = (0, start + 1);
    while end < text.len() && text[end].is_ascii_digit() && number <= MOST {
        number = number * 10 + (text[end] - b'0') as usize;
        end += 1;
    }
    assert!(end > start + 1, "`$` without a number: dollar quotes are not supported");
    assert!(1 <= number && number <= MOST, "placeholders run from $1 to $64");
    assert!(end == text.len() || !is_identifier(text[end]), "a placeholder must not touch the word after it");
    Placeholder { start, end, number }
}

/// After the closing quote. A doubled quote reads as the end of one string and the start of the next, which comes to
/// the same.
const fn end_of_quoted(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < text.len() {
        assert!(
            text[at] != b'\\',
            "a backslash in quotes means different things under different server settings"
        );
        if text[at] == text[start] {
            // The doubled quote's second half is preceded by a quote, which is not an identifier: it opens cleanly.
            return at + 1;
        }
        at += 1;
    }
    panic!("a quote is not closed")
}

const fn end_of_line(text: &[u8], mut at: usize) -> usize {
    while at < text.len() && text[at] != b'\n' && text[at] != b'\r' {
        at += 1;
    }
    at
}

const fn end_of_comment(text: &[u8], mut at: usize) -> usize {
    while at + 1 < text.len() {
        assert!(!(text[at] == b'/' && text[at + 1] == b'*'), "comments are not nested here");
        if text[at] == b'*' && text[at + 1] == b'/' {
            return at + 2;
        }
        at += 1;
    }
    panic!("a comment is not closed")
}

/// What may continue a word in Postgres' grammar, `$` and every byte of a non-ASCII character included.
const fn is_identifier(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..)
}

#[cfg(test)]
mod tests {
    use super::{count, first_word};

    #[test]
    fn it_counts_placeholders_and_not_uses() {
        assert_eq!(count("select 1"), 0);
        assert_eq!(count("select $1, $2 from t where a = $2 and b=$1::text and c in ($3,$4)"), 4);
    }

    #[test]
    fn it_sees_no_placeholder_in_quotes_and_comments() {
        assert_eq!(count("select '$1', 'it''s $2', \"$3\", \"a\"\"$4\" -- $5 it's\n, $1 /* $6 ' \" */"), 1);
    }

    #[test]
    fn it_finds_the_first_word_behind_comments() {
        for text in [
            "select 1",
            "-- what it does\n\n  select 1",
            "/* a -- b */ select\n1",
            "select",
            "-- é\r\nselect(1)",
        ] {
            let (start, end) = first_word(text);
            assert_eq!(&text[start..end], "select", "{text:?}");
        }
        for text in ["", " ", "-- select", "(select 1)", "/* select */", "é"] {
            assert!(std::panic::catch_unwind(|| first_word(text)).is_err(), "accepted {text:?}");
        }
    }

    #[test]
    fn it_refuses_what_it_cannot_read_with_certainty() {
        let refused = [
            "select $2",
            "select $0",
            "select $65",
            "select $99999999999999999999999999",
            "select $1a",
            "select $1$2",
            "select a$1",
            "select é$1",
            "select $$1$$",
            "select $a$ $1 $a$",
            "select e'\\' $1'",
            "select U&'a', $1",
            "select 'a\\', $1",
            "select 'a",
            "select \"a",
            "select 1 /* a",
            "select 1 /* a /* b */ */",
            "select 1; select 2",
            "select 1;",
            "select '\u{0}' \u{0}",
        ];
        for text in refused {
            assert!(std::panic::catch_unwind(|| count(text)).is_err(), "accepted {text:?}");
        }
    }
}
