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

/// Of a body of ids and numbers alone.
pub const NO_TEXTS: usize = 0;

/// What the body as a whole is called among the fields.
const WHOLE: &str = "(body)";

/// Reads the body as JSON whose texts have so many characters at most: 413 over the limit, 415 for another media type,
/// 400 for broken JSON, 422 for wrong values.
pub(super) fn json<T: DeserializeOwned>(
    media_type: Option<&str>,
    body: &[u8],
    characters: usize,
) -> Result<T> {
    let limit = limit(characters);
    if body.len() > limit {
        return Err(Error::new(Kind::PayloadTooLarge, format!("The body may have at most {limit} bytes.")));
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
    if error.classify() != Category::Data {
        return bad_request(format!("The body is not valid JSON: {error}."));
    }
    let place = if path == "." { "" } else { path };
    match words::in_json(&error.to_string()) {
        Complaint::Value(message) => invalid(if place.is_empty() { WHOLE } else { place }, message),
        // serde says where it is; callers look for which.
        Complaint::Member(name, message) if place.is_empty() => invalid(name, message),
        Complaint::Member(name, message) => invalid(format!("{place}.{name}"), message),
    }
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
        json(Some(media_type), body.as_bytes(), CHARACTERS).map_err(|error| {
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
            (
                r#"{"items":[{"quantity":1},{"quantity":-1}]}"#,
                "items[1].quantity",
                "is too large or too small a number",
            ),
            (r#"{"items":[{"quantity":null}]}"#, "items[0].quantity", "must be a whole number"),
            (r#"{"items":[7]}"#, "items[0]", "must be an object"),
            (r#"{"items":[],"note":7}"#, "note", "must be a string"),
            (
                r#"{"items":[{"quantity":1,"price":0}]}"#,
                "items[0].price",
                "is not a field of this: there are only quantity",
            ),
            (r#"{"items":[],"items":[]}"#, "items", "is there twice"),
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
    fn as_many_characters_as_are_allowed_fit_however_they_are_written() {
        for character in ["あ", "😀", "\\ud83d\\ude00", "\\n", "\\u0041"] {
            let body = format!(r#"{{"items":[],"note":"{}"}}"#, character.repeat(1000));
            let read = read("application/json", &body).expect("fits");
            assert_eq!(read.note.chars().count(), 1000, "{character}");
        }
    }
}
