//! A product from JSON, read as `POST /api/products` reads it.

use shared::catalog::LineOfFile;
use shared::error::Error;
use shared::http::read_json;

use super::cut::Refused;

/// The most characters of a field's name that are told: it may be anything.
const LONGEST_NAME: usize = 100;

pub(super) fn read(json: &[u8]) -> Result<LineOfFile, Refused> {
    let line: LineOfFile = read_json(json).map_err(|error| refused(&error))?;
    line.check().map_err(|error| refused(&error))?;
    Ok(line)
}

fn refused(error: &Error) -> Refused {
    match error.problem().errors().first() {
        Some(wrong) if wrong.field == "(body)" => wrong.message.as_str().into(),
        Some(wrong) => {
            let name = wrong.field.chars().filter(|character| !character.is_control());
            Refused { field: Some(name.take(LONGEST_NAME).collect()), message: wrong.message.clone() }
        }
        None => "is not valid JSON".into(),
    }
}
