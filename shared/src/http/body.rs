//! JSON bodies: read strictly, refused field by field.

use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::error::{Error, Kind, Result, bad_request, invalid};

/// 8 KiB of body is at most 11 KB of base64 in a statement, and a statement over 16 KB would pin RDS Proxy.
const LIMIT: usize = 8 * 1024;

/// What the body as a whole is called among the fields.
const WHOLE: &str = "(body)";

/// Reads the body as JSON: 413 over the limit, 415 for another media type, 400 for broken JSON, 422 for wrong values.
pub(super) fn json<T: DeserializeOwned>(media_type: Option<&str>, body: &[u8]) -> Result<T> {
    if body.len() > LIMIT {
        return Err(Error::new(Kind::PayloadTooLarge, format!("The body may have at most {LIMIT} bytes.")));
    }
    if !media_type.is_some_and(is_json) {
        let detail = "Send the body as JSON, with the header Content-Type: application/json.";
        return Err(Error::new(Kind::UnsupportedMediaType, detail));
    }
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
    match error.classify() {
        Category::Data => {
            // serde_json ends its messages with a position, which says less than the field's name.
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or_default();
            let place = if path == "." { "" } else { path };
            // serde says where a field is missing; callers look for which.
            if let Some(name) = missing_field(message) {
                let field = if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
                return invalid(field, "is missing");
            }
            invalid(if place.is_empty() { WHOLE } else { place }, message)
        }
        _ => bad_request(format!("The body is not valid JSON: {error}.")),
    }
}

fn missing_field(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.strip_suffix('`')
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
    }

    fn read(media_type: &str, body: &str) -> Result<Order, (u16, String)> {
        json(Some(media_type), body.as_bytes()).map_err(|error| {
            (error.problem().kind().status().as_u16(), Value::from(error.problem().body()).to_string())
        })
    }

    #[test]
    fn it_reads_json_whatever_the_charset_parameter() {
        let order = read("Application/JSON; charset=utf-8", r#"{"items":[{"quantity":2}]}"#);
        assert_eq!(order, Ok(Order { items: vec![Line { quantity: 2 }] }));
    }

    #[test]
    fn it_names_the_field_that_is_wrong() {
        for (body, field) in [
            (r#"{"items":[{"quantity":1},{"quantity":-1}]}"#, "items[1].quantity"),
            (r#"{"items":[{"quantity":1,"price":0}]}"#, "items[0].price"),
            (r#"{"items":[{}]}"#, "items[0].quantity"),
            ("{}", "items"),
            (r#"[[{"quantity":1}]]"#, "(body)"),
            ("7", "(body)"),
        ] {
            let (status, problem) = read("application/json", body).expect_err("refused");
            assert_eq!(status, 422, "{problem}");
            assert!(problem.contains(&format!("\"field\":\"{field}\"")), "{problem}");
        }
    }

    #[test]
    fn it_tells_broken_json_other_media_types_and_large_bodies_apart() {
        for body in ["", "{", "nonsense", "{\"items\":[]} trailing"] {
            assert_eq!(read("application/json", body).expect_err("refused").0, 400, "{body}");
        }
        assert_eq!(read("text/plain", "{}").expect_err("refused").0, 415);
        assert_eq!(read("application/json", &" ".repeat(LIMIT + 1)).expect_err("refused").0, 413);
    }
}
