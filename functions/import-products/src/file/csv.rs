//! CSV as RFC 4180 has it: fields with commas between them, in quotes where they hold commas, quotes or line ends.
//!
//! Read to the letter, and not as the crates that we know read it: they make something of every text, and a quote that
//! is never closed would take all lines up to the next one with it, without a word. Here a quote in the wrong place is
//! refused with its line, and the next line is tried.

use serde_json::{Map, Value, json};
use shared::catalog::LineOfFile;

use super::cut::{Cut, Refused};
use super::product;

/// What columns may be called, and whether they have to be there.
const KNOWN: [(&str, bool); 7] = [
    ("sku", true),
    ("name", true),
    ("description", true),
    ("amount", true),
    ("currency", true),
    ("featured", false),
    ("stock", false),
];

/// The fields of the record at the beginning of a text, and how many bytes it takes with its line's end. `None` if its
/// end is not there yet.
#[expect(clippy::type_complexity, reason = "each part is looked at by every caller")]
pub(super) fn fields(text: &[u8], ended: bool) -> Option<Result<(usize, Vec<Vec<u8>>), &'static str>> {
    let (mut at, mut fields) = (0, Vec::new());
    loop {
        let (field, end) = match text.get(at) {
            Some(b'"') => quoted(text, at + 1)?,
            _ => bare(text, at),
        };
        let Some(field) = field else { return Some(Err("has a quote inside an unquoted field")) };
        fields.push(field);
        at = match &text[end..] {
            [b',', ..] => end + 1,
            [b'\n', ..] => return Some(Ok((end + 1, fields))),
            [b'\r', b'\n', ..] => return Some(Ok((end + 2, fields))),
            [] | [b'\r'] if ended => return Some(Ok((text.len(), fields))),
            [] | [b'\r'] => return None,
            _ => return Some(Err("has text after a closing quote")),
        };
    }
}

/// A field whose quote was opened just before `at`, and where it ends. Never closed, its end is never there.
fn quoted(text: &[u8], at: usize) -> Option<(Option<Vec<u8>>, usize)> {
    let (mut field, mut at) = (Vec::new(), at);
    loop {
        let end = at + text[at..].iter().position(|&byte| byte == b'"')?;
        field.extend_from_slice(&text[at..end]);
        if text.get(end + 1) != Some(&b'"') {
            return Some((Some(field), end + 1));
        }
        field.push(b'"');
        at = end + 2;
    }
}

/// A field without quotes, if there are none in it, and where it ends.
fn bare(text: &[u8], at: usize) -> (Option<Vec<u8>>, usize) {
    let rest = &text[at..];
    let mut field = &rest[..rest.iter().position(|&byte| matches!(byte, b',' | b'\n')).unwrap_or(rest.len())];
    if !matches!(rest.get(field.len()), Some(b',')) {
        field = field.strip_suffix(b"\r").unwrap_or(field);
    }
    ((!field.contains(&b'"')).then(|| field.to_vec()), at + field.len())
}

/// Which field is which, as the first line says.
pub(super) struct Columns(Vec<&'static str>);

impl Columns {
    /// Reads the first line.
    ///
    /// # Errors
    /// For a column that is not known, there twice, or missing.
    pub(super) fn new(names: &[Vec<u8>]) -> Result<Self, String> {
        let mut columns = Vec::new();
        for name in names {
            let name = String::from_utf8_lossy(name).trim().to_ascii_lowercase();
            let Some((known, _)) = KNOWN.iter().find(|(known, _)| *known == name) else {
                let name: String = name.chars().filter(|c| !c.is_control()).take(100).collect();
                let known = KNOWN.map(|(known, _)| known).join(", ");
                return Err(format!("its first line names a column “{name}”: there are only {known}"));
            };
            if columns.contains(known) {
                return Err(format!("its first line names the column {known} twice"));
            }
            columns.push(*known);
        }
        match KNOWN.iter().find(|(known, needed)| *needed && !columns.contains(known)) {
            Some((missing, _)) => Err(format!("its first line names no column {missing}")),
            None => Ok(Self(columns)),
        }
    }

    pub(super) fn cut(&self, text: &[u8], ended: bool) -> Cut {
        match fields(text, ended) {
            Some(Ok((bytes, fields))) => Cut::Taken(bytes, self.read(&fields)),
            Some(Err(why)) => Cut::Broken(why.into()),
            None if ended => Cut::Broken("has a quote that is never closed".into()),
            None => Cut::More,
        }
    }

    fn read(&self, fields: &[Vec<u8>]) -> Result<LineOfFile, Refused> {
        let Self(columns) = self;
        if fields.len() != columns.len() {
            let (there, wanted) = (fields.len(), columns.len());
            return Err(format!("has {there} fields, but the first line names {wanted} columns")
                .as_str()
                .into());
        }
        let (mut line, mut price) = (Map::new(), Map::new());
        for (column, field) in columns.iter().zip(fields) {
            let text = str::from_utf8(field).map_err(|_| Refused::from("is not UTF-8"))?;
            let part = if matches!(*column, "amount" | "currency") { &mut price } else { &mut line };
            part.insert((*column).to_owned(), value(column, text));
        }
        line.insert("price".to_owned(), price.into());
        let read = product::read(Value::from(line).to_string().as_bytes());
        read.map_err(|Refused { field, message }| Refused { field: field.map(of_column), message })
    }
}

/// As JSON would have it. What is not a number or truth stays a text, which is then refused as such.
fn value(column: &str, text: &str) -> Value {
    match column {
        "featured" | "stock" if text.is_empty() => Value::Null,
        // Spreadsheets write TRUE.
        "featured" => text.to_ascii_lowercase().parse::<bool>().map_or_else(|_| json!(text), Value::from),
        "amount" | "stock" => text.parse::<i64>().map_or_else(|_| json!(text), Value::from),
        _ => json!(text),
    }
}

/// `price.amount` stands in the column `amount`.
fn of_column(field: String) -> String {
    field.strip_prefix("price.").map(str::to_owned).unwrap_or(field)
}
