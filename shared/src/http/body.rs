//! JSON bodies: read strictly, refused field by field.

use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::words::{self, Complaint};
use crate::error::{Error, Kind, Result, bad_request, invalid};

/// Room for everything but texts, with spaces and line ends.
const FRAME: usize = 8 * 1024;
/// The most bytes that JSON takes for one character: two escapes of six, as for 😀.
const WIDEST: usize = 12;

/// The most bytes that a body with texts of so many characters may have. Whatever the contract allows fits, however it
/// is written.
const fn limit(characters: usize) -> usize {
    FRAME + characters * WIDEST
}

/// Of a body of numbers alone.
pub const NO_TEXTS: usize = 0;

/// How deep `serde_json` reads lists and objects in one another.
const DEEPEST: usize = 127;

/// What the body as a whole is called among the fields.
const WHOLE: &str = "(body)";

/// A body, and what its headers say of it.
#[derive(Clone, Copy)]
pub(super) struct Sent<'a> {
    pub(super) media_type: Option<&'a str>,
    /// `Content-Encoding`.
    pub(super) coding: Option<&'a str>,
    pub(super) bytes: &'a [u8],
}

/// Reads the body as JSON whose texts have so many characters at most: 413 over the limit, 415 for another media type
/// or a compressed one, 400 for broken JSON, 422 for wrong values.
pub(super) fn json<T: DeserializeOwned>(sent: &Sent<'_>, characters: usize) -> Result<T> {
    let Sent { media_type, coding, bytes: body } = *sent;
    let limit = limit(characters);
    if body.len() > limit {
        return Err(Error::new(Kind::PayloadTooLarge, format!("The body may have at most {limit} bytes.")));
    }
    if !is_plain(coding.unwrap_or_default()) {
        let detail = "Send the body as it is, without Content-Encoding.";
        return Err(Error::new(Kind::UnsupportedMediaType, detail).encoded());
    }
    if !media_type.is_some_and(is_json) {
        let detail = "Send the body as JSON, with the header Content-Type: application/json.";
        return Err(Error::new(Kind::UnsupportedMediaType, detail));
    }
    read_json(body)
}

/// Reads JSON as bodies are read, wherever it comes from.
///
/// # Errors
/// 400 for broken JSON, 422 for wrong values.
pub fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    // Nobody should write a byte order mark before JSON, and readers may ignore it (RFC 8259, section 8.1).
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    // Every body of ours is an object; serde would also read one from an array, by position.
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(invalid(WHOLE, "must be an object"));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        refuse(&path, error.inner())
    })?;
    reader.end().map_err(|error| refuse(".", &error))?;
    Ok(value)
}

fn refuse(path: &str, error: &serde_json::Error) -> Error {
    let place = if path == "." { "" } else { path };
    // serde_json calls both syntax, and both are JSON (RFC 8259, section 9): a reader may limit numbers and depth.
    let said = error.to_string();
    if said.starts_with("number out of range") {
        return invalid(if place.is_empty() { WHOLE } else { place }, "is out of range");
    }
    if said.starts_with("recursion limit exceeded") {
        return invalid(WHOLE, format!("must not be nested more than {DEEPEST} deep"));
    }
    if error.classify() != Category::Data {
        return bad_request(format!("The body is not valid JSON: {error}."));
    }
    match words::in_json(&said) {
        Complaint::Value(message) => invalid(if place.is_empty() { WHOLE } else { place }, message),
        // serde says where it is; callers look for which.
        Complaint::Member(name, message) if place.is_empty() => invalid(name, message),
        Complaint::Member(name, message) => invalid(format!("{place}.{name}"), message),
    }
}

/// Whether these are no codings, or `identity`, which does nothing.
fn is_plain(codings: &str) -> bool {
    codings
        .split(',')
        .map(str::trim)
        .all(|coding| coding.is_empty() || coding.eq_ignore_ascii_case("identity"))
}

fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::Value;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Line {
        quantity: u8,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        items: Vec<Line>,
        #[serde(default)]
        note: String,
    }

    const CHARACTERS: usize = 1000;

    fn read(media_type: &str, body: &str) -> Result<Order, (u16, String)> {
        read_coded(media_type, None, body)
    }

    fn read_coded(media_type: &str, coding: Option<&str>, body: &str) -> Result<Order, (u16, String)> {
        let sent = Sent { media_type: Some(media_type), coding, bytes: body.as_bytes() };
        json(&sent, CHARACTERS).map_err(|error| {
            (error.problem().kind().status().as_u16(), Value::from(error.problem().body()).to_string())
        })
    }

    fn order() -> Order {
        Order { items: vec![Line { quantity: 2 }], note: String::new() }
    }

    #[test]
    fn it_reads_json_whatever_the_charset_parameter() {
        let read = read("Application/JSON; charset=utf-8", r#"{"items":[{"quantity":2}]}"#);
        assert_eq!(read, Ok(order()));
    }

    #[test]
    fn a_byte_order_mark_in_front_means_nothing() {
        assert_eq!(read("application/json", "\u{feff}{\"items\":[{\"quantity\":2}]}"), Ok(order()));
        for body in ["\u{feff}\u{feff}{\"items\":[]}", "{\u{feff}\"items\":[]}", "\u{feff}"] {
            assert_eq!(read("application/json", body).expect_err("refused").0, 400, "{body:?}");
        }
    }

    #[test]
    fn it_names_the_field_that_is_wrong_in_words_of_json() {
        for (body, field, message) in [
            (r#"{"items":[{"quantity":1},{"quantity":-1}]}"#, "items[1].quantity", "is out of range"),
            (r#"{"items":[{"quantity":null}]}"#, "items[0].quantity", "must be a whole number"),
            (r#"{"items":[7]}"#, "items[0]", "must be an object"),
            (r#"{"items":[],"note":7}"#, "note", "must be a string"),
            (
                r#"{"items":[{"quantity":1,"price":0}]}"#,
                "items[0].price",
                "is not a known field: there are only quantity",
            ),
            (r#"{"items":[],"items":[]}"#, "items", "appears twice"),
            (r#"{"items":[{}]}"#, "items[0].quantity", "is missing"),
            ("{}", "items", "is missing"),
            (r#"[[{"quantity":1}]]"#, "(body)", "must be an object"),
            ("7", "(body)", "must be an object"),
        ] {
            let (status, problem) = read("application/json", body).expect_err("refused");
            assert_eq!(status, 422, "{problem}");
            let error = format!("{{\"field\":\"{field}\",\"message\":\"{message}\"}}");
            assert!(problem.contains(&error), "{problem}");
        }
    }

    #[test]
    fn it_tells_broken_json_other_media_types_and_large_bodies_apart() {
        for body in ["", "{", "nonsense", "{\"items\":[]} trailing"] {
            assert_eq!(read("application/json", body).expect_err("refused").0, 400, "{body}");
        }
        assert_eq!(read("text/plain", "{}").expect_err("refused").0, 415);
        assert_eq!(read("application/json", &" ".repeat(limit(CHARACTERS) + 1)).expect_err("refused").0, 413);
    }

    #[test]
    fn a_body_that_is_said_to_be_compressed_is_not_read() {
        let body = r#"{"items":[{"quantity":2}]}"#;
        for plain in ["", "identity", "Identity, identity", " "] {
            assert_eq!(read_coded("application/json", Some(plain), body), Ok(order()), "{plain}");
        }
        for coding in ["gzip", "identity, br", "GZIP", "nonsense"] {
            let (status, problem) = read_coded("application/json", Some(coding), body).expect_err("refused");
            assert!(status == 415 && problem.contains("without Content-Encoding"), "{coding}: {problem}");
        }
    }

    #[test]
    fn what_is_json_and_too_much_for_us_is_not_called_broken() {
        let deep = |depth: usize| format!("{}{}", "{\"items\":[".repeat(depth / 2), "]}".repeat(depth / 2));
        for (body, said) in [
            (
                r#"{"items":[{"quantity":1e400}]}"#,
                r#""field":"items[0].quantity","message":"is out of range""#,
            ),
            (r#"{"items":[],"note":-1e999}"#, r#""field":"note","message":"is out of range""#),
            ("1e400", r#""field":"(body)","message":"is out of range""#),
        ] {
            let (status, problem) = read("application/json", body).expect_err("refused");
            assert!(status == 422 && problem.contains(said), "{body}: {problem}");
        }
        for (depth, taken) in [(DEEPEST - 1, true), (DEEPEST + 1, false)] {
            let body = deep(depth);
            let sent = Sent { media_type: Some("application/json"), coding: None, bytes: body.as_bytes() };
            let read: Result<Value> = json(&sent, CHARACTERS);
            assert_eq!(read.is_ok(), taken, "{depth}");
            let Err(error) = read else { continue };
            let problem = Value::from(error.problem().body()).to_string();
            assert!(problem.contains("must not be nested more than 127 deep"), "{problem}");
        }
    }

    #[test]
    fn as_many_characters_as_are_allowed_fit_however_they_are_written() {
        for character in ["あ", "😀", "\\ud83d\\ude00", "\\n", "\\u0041"] {
            let body = format!(r#"{{"items":[],"note":"{}"}}"#, character.repeat(1000));
            let read = read("application/json", &body).expect("fits");
            assert_eq!(read.note.chars().count(), 1000, "{character}");
        }
    }
}
