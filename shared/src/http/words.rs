//! What is wrong with a value, in the words of JSON.
//!
//! serde says it in Rust's: `invalid type: null, expected i32`. Whoever sends JSON knows no `i32` and no `struct Cart`.
//! Every message of serde comes through here, and what is not known here is said without its words. Messages of our own
//! types, which begin with "must", stay as they are.

/// What is wrong.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Complaint {
    /// About the value itself.
    Value(String),
    /// About a member of it, by name.
    Member(String, &'static str),
}

/// Puts a message of serde's into words of JSON.
pub(super) fn in_json(message: &str) -> Complaint {
    // serde_json ends its messages with a position, which says less than the field's name.
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    if let Some(name) = quoted_after(message, "missing field ") {
        return Complaint::Member(name.to_owned(), "is missing");
    }
    if let Some(name) = quoted_after(message, "duplicate field ") {
        return Complaint::Member(name.to_owned(), "appears twice");
    }
    Complaint::Value(if message.starts_with("must ") {
        message.to_owned()
    } else if message.starts_with("unknown field ") {
        format!("is not a known field: {}", known("there are only", "there are none", message))
    } else if message.starts_with("unknown variant ") {
        known("must be one of", "is not valid", message)
    } else if message.starts_with("invalid value: integer ") || is_beyond_integers(message) {
        "is out of range".to_owned()
    } else {
        message
            .strip_prefix("invalid type: ")
            .and_then(|rest| rest.rsplit_once(", expected "))
            .and_then(|(_, expected)| json_type(expected))
            .map_or_else(|| "is not valid".to_owned(), |name| format!("must be {name}"))
    })
}

/// `serde_json` reads as a floating-point number what no integer of 64 bits holds.
fn is_beyond_integers(message: &str) -> bool {
    let number =
        message.strip_prefix("invalid type: floating point `").and_then(|rest| rest.split('`').next());
    number.and_then(|number| number.parse().ok()).is_some_and(|number: f64| number.abs() >= 9e18)
}

/// What JSON calls what serde expects.
fn json_type(expected: &str) -> Option<&'static str> {
    match expected {
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" | "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => {
            Some("a whole number")
        }
        "f32" | "f64" => Some("a number"),
        "a boolean" => Some("true or false"),
        "a string" | "a borrowed string" | "str" => Some("a string"),
        "a sequence" => Some("a list"),
        "a map" => Some("an object"),
        _ if expected.starts_with("struct ") => Some("an object"),
        _ if expected.starts_with("a sequence") || expected.starts_with("a tuple") => Some("a list"),
        _ => None,
    }
}

fn quoted_after<'a>(message: &'a str, start: &str) -> Option<&'a str> {
    message.strip_prefix(start)?.strip_prefix('`')?.strip_suffix('`')
}

/// The names that serde lists behind what it did not know, which is the caller's and may hold anything.
fn known(some: &str, none: &str, message: &str) -> String {
    let listed = message.rsplit_once(", expected ").map_or("", |(_, listed)| listed);
    let names: Vec<&str> = listed.split('`').skip(1).step_by(2).collect();
    if names.is_empty() { none.to_owned() } else { format!("{some} {}", names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(message: &str) -> Complaint {
        Complaint::Value(message.to_owned())
    }

    #[test]
    fn it_speaks_of_json_and_not_of_rust() {
        for (serde, ours) in [
            ("invalid type: null, expected i32 at line 1 column 3", "must be a whole number"),
            ("invalid type: floating point `1.5`, expected u8", "must be a whole number"),
            ("invalid type: string \"x, expected y\", expected a boolean", "must be true or false"),
            ("invalid type: integer `7`, expected struct Cart", "must be an object"),
            ("invalid type: map, expected a sequence", "must be a list"),
            ("invalid type: null, expected a string", "must be a string"),
            ("invalid type: null, expected internally tagged enum Shape", "is not valid"),
            ("invalid type: floating point `1e20`, expected i64", "is out of range"),
            ("invalid value: integer `3000000000`, expected i32", "is out of range"),
            ("unknown field `a`, expected `b` or `c`", "is not a known field: there are only b, c"),
            (
                "unknown field `, expected `x`, expected one of `b`, `c`, `d`",
                "is not a known field: there are only b, c, d",
            ),
            ("unknown field `a`, there are no fields", "is not a known field: there are none"),
            ("unknown variant `a`, expected `b` or `c`", "must be one of b, c"),
            ("must have 1 to 50 lines at line 1 column 20", "must have 1 to 50 lines"),
            ("data did not match any variant of untagged enum Shape", "is not valid"),
        ] {
            assert_eq!(in_json(serde), value(ours), "{serde}");
        }
        assert_eq!(
            in_json("missing field `items` at line 1 column 2"),
            Complaint::Member("items".into(), "is missing")
        );
        assert_eq!(in_json("duplicate field `items`"), Complaint::Member("items".into(), "appears twice"));
    }
}
