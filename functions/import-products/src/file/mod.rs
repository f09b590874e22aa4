//! From the bytes of a file, in whatever pieces they arrive, to products and refused lines.

mod csv;
mod cut;
mod json_lines;
mod product;

use shared::catalog::{LineOfFile, Refusal};

use csv::Columns;
use cut::{Cut, Refused};

/// The most bytes of what holds one product: all that its texts may have, however JSON writes them.
pub(crate) const LONGEST: usize = 64 * 1024;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Csv,
    JsonLines,
}

impl Format {
    /// By the end of its name.
    pub(crate) fn of(key: &str) -> Option<Self> {
        match key.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            _ => None,
        }
    }
}

/// What one product took of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// The line on which it begins, from 1.
    pub(crate) line: u64,
    /// The line on which it ends.
    pub(crate) until: u64,
    pub(crate) read: Result<LineOfFile, Refusal>,
}

/// A file that is read piece by piece. It keeps what it has not cut yet, and no more.
pub(crate) struct Reader {
    format: Format,
    columns: Option<Columns>,
    buffer: Vec<u8>,
    /// What of the buffer is done with.
    at: usize,
    /// Lines before that.
    lines: u64,
    begun: bool,
    ended: bool,
    /// In the middle of a line that was refused.
    skipping: bool,
}

impl Reader {
    pub(crate) fn new(format: Format) -> Self {
        Self {
            format,
            columns: None,
            buffer: Vec::new(),
            at: 0,
            lines: 0,
            begun: false,
            ended: false,
            skipping: false,
        }
    }

    /// Takes the next piece.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.buffer.drain(..self.at);
        self.at = 0;
        self.buffer.extend_from_slice(piece);
    }

    /// There is no further piece.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    /// The next product or refused line; `None` if another piece is needed, or nothing is left.
    ///
    /// # Errors
    /// Why the file as a whole cannot be read.
    pub(crate) fn next(&mut self) -> Result<Option<Record>, String> {
        if !self.begun && !self.begin() {
            return Ok(None);
        }
        if self.format == Format::Csv && self.columns.is_none() && !self.read_headings()? {
            return Ok(None);
        }
        self.skip();
        let rest = &self.buffer[self.at..];
        if rest.is_empty() {
            return Ok(None);
        }
        let cut = match &self.columns {
            Some(columns) => columns.cut(rest, self.ended),
            None => json_lines::cut(rest, self.ended),
        };
        Ok(match cut {
            Cut::More if rest.len() <= LONGEST => None,
            Cut::Taken(bytes, read) if bytes <= LONGEST => {
                let read = read.map_err(|refused| self.refusal(refused));
                Some(self.take(bytes, read))
            }
            Cut::Broken(refused) => {
                let refusal = self.refusal(refused);
                Some(self.take_line(refusal))
            }
            Cut::More | Cut::Taken(..) => {
                let refusal =
                    self.refusal("is longer than 64 KB, or has a quote that is never closed".into());
                Some(self.take_line(refusal))
            }
        })
    }

    /// Nobody should write a byte order mark before UTF-8, and spreadsheets do.
    fn begin(&mut self) -> bool {
        let mark = "\u{feff}".as_bytes();
        if self.buffer.len() < mark.len() && !self.ended {
            return false;
        }
        self.at = if self.buffer.starts_with(mark) { mark.len() } else { 0 };
        self.begun = true;
        true
    }

    fn read_headings(&mut self) -> Result<bool, String> {
        self.skip();
        let rest = &self.buffer[self.at..];
        match csv::fields(rest, self.ended) {
            _ if rest.is_empty() && self.ended => {
                Err("it is empty: its first line has to name the columns".into())
            }
            Some(Ok((bytes, names))) => {
                self.columns = Some(Columns::new(&names)?);
                self.advance(bytes);
                Ok(true)
            }
            Some(Err(why)) => Err(format!("its first line, which has to name the columns, {why}")),
            None if rest.len() > LONGEST => Err("its first line is longer than 64 KB".into()),
            None => Ok(false),
        }
    }

    /// Goes over the rest of a refused line, and over lines with nothing on them.
    fn skip(&mut self) {
        if self.skipping {
            let rest = &self.buffer[self.at..];
            let end = rest.iter().position(|&byte| byte == b'\n').map(|end| end + 1);
            self.skipping = end.is_none();
            self.advance(end.unwrap_or(rest.len()));
        }
        let rest = &self.buffer[self.at..];
        let blank = rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        self.advance(blank);
    }

    fn advance(&mut self, bytes: usize) {
        let passed = &self.buffer[self.at..self.at + bytes];
        self.lines += passed.iter().map(|&byte| u64::from(byte == b'\n')).sum::<u64>();
        self.at += bytes;
    }

    fn refusal(&self, Refused { field, message }: Refused) -> Refusal {
        Refusal { line: self.lines + 1, field, message }
    }

    fn take(&mut self, bytes: usize, read: Result<LineOfFile, Refusal>) -> Record {
        let line = self.lines + 1;
        let open = bytes > 0 && self.buffer[self.at + bytes - 1] != b'\n';
        self.advance(bytes);
        Record { line, until: self.lines + u64::from(open), read }
    }

    fn take_line(&mut self, refusal: Refusal) -> Record {
        let line = self.lines + 1;
        self.skipping = true;
        self.skip();
        Record { line, until: line, read: Err(refusal) }
    }
}

#[cfg(test)]
mod tests;
