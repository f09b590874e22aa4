//! A file cut into batches: the reader's products, each sku once, as many as one statement takes.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{DefaultHasher, Hash, Hasher};

use shared::catalog::{Batch, LineOfFile, Refusal};

use crate::file::{Format, Reader, Record};

/// What was read of a line.
type Read = Result<LineOfFile, Refusal>;

/// The batches of a file that is read piece by piece, from where its import is.
pub(crate) struct Batches {
    reader: Reader,
    skus: Skus,
    /// Lines that earlier invocations dealt with. They are read once more, for their skus.
    done: u64,
    batch: Batch,
    failure: Option<String>,
}

impl Batches {
    /// Those after the first `done` lines of a file that may hold so many products.
    pub(crate) fn of(format: Format, most_products: usize, done: u64) -> Self {
        Self {
            reader: Reader::new(format),
            skus: Skus::at_most(most_products),
            done,
            batch: Batch::after(done),
            failure: None,
        }
    }

    /// Takes the next piece.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.reader.push(piece);
    }

    /// There is no further piece.
    pub(crate) fn end(&mut self) {
        self.reader.end();
    }

    /// The next full batch; `None` if another piece is needed, nothing is left, or the file cannot be read any further.
    pub(crate) fn next(&mut self) -> Option<Batch> {
        while !self.batch.is_full() {
            match self.take() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(why) => {
                    self.failure = Some(why);
                    return None;
                }
            }
        }
        let next = Batch::after(self.batch.until);
        Some(std::mem::replace(&mut self.batch, next))
    }

    /// Why the file cannot be read any further.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// What is left, of lines that were read: also of a file that could not be read to its end. And why that was.
    pub(crate) fn rest(self) -> (Batch, Option<String>) {
        (self.batch, self.failure)
    }

    /// Adds the next product or refused line to the batch, if there is one.
    fn take(&mut self) -> Result<bool, String> {
        let Some(Record { line, until, read }) = self.reader.next()? else { return Ok(false) };
        let read = self.skus.first(line, read)?;
        if until > self.done {
            self.batch.push(line, read);
            self.batch.until = until;
        }
        Ok(true)
    }
}

/// The skus of a file so far, by their hashes: 64 bits, of which two among two million are the same once in ten million
/// files.
struct Skus {
    lines: HashMap<u64, u64>,
    most: usize,
}

impl Skus {
    fn at_most(most: usize) -> Self {
        Self { lines: HashMap::new(), most }
    }

    /// Refuses the second product of a sku: which of the two is meant is not known here, and if both were written the
    /// same file would change them each time.
    ///
    /// # Errors
    /// Says of how many products a file is too large.
    fn first(&mut self, line: u64, read: Read) -> Result<Read, String> {
        let Ok(product) = read else { return Ok(read) };
        let known = self.lines.len();
        let mut hasher = DefaultHasher::new();
        product.sku.hash(&mut hasher);
        match self.lines.entry(hasher.finish()) {
            Entry::Vacant(_) if known == self.most => {
                Err(format!("it has more than {known} products: cut it into several"))
            }
            Entry::Vacant(entry) => {
                entry.insert(line);
                Ok(Ok(product))
            }
            Entry::Occupied(entry) => {
                let message = format!("is already that of line {}", entry.get());
                Ok(Err(Refusal { line, field: Some("sku".into()), message }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn product(sku: &str) -> LineOfFile {
        let price = json!({ "amount": 1, "currency": "usd" });
        let line = json!({ "sku": sku, "name": "Lamp", "description": "", "price": price });
        serde_json::from_value(line).expect("a product")
    }

    /// A file of that many products, a line each, read in pieces.
    fn batches(products: u64, most: usize, done: u64) -> (Vec<u64>, u64, Option<String>) {
        let mut batches = Batches::of(Format::JsonLines, most, done);
        let mut ends = Vec::new();
        let line = |number| {
            let price = json!({ "amount": 1, "currency": "usd" });
            format!(
                "{}\n",
                json!({ "sku": format!("S{number}"), "name": "Lamp", "description": "", "price": price })
            )
        };
        let text: String = (1..=products).map(line).collect();
        for piece in text.as_bytes().chunks(1000) {
            batches.push(piece);
            while let Some(batch) = batches.next() {
                ends.push(batch.until);
            }
            if batches.failure().is_some() {
                break;
            }
        }
        let (rest, failure) = batches.rest();
        (ends, rest.until, failure)
    }

    #[test]
    fn what_was_read_before_a_file_became_too_large_is_written_and_counted() {
        assert_eq!(batches(2100, 2100, 0), (vec![1000, 2000], 2100, None));
        let (ends, lines, failure) = batches(2100, 2050, 0);
        assert_eq!((ends, lines), (vec![1000, 2000], 2050));
        assert!(failure.is_some_and(|why| why.contains("more than 2050 products")));
        // Read again, by whoever goes on with it, from any line: with the same end.
        for done in [1000, 2000, 2050] {
            let (_, lines, failure) = batches(2100, 2050, done);
            assert!(lines == 2050 && failure.is_some(), "after {done}: {lines}");
        }
    }

    #[test]
    fn of_more_skus_than_fit_into_memory_a_file_is_too_large_and_of_no_more_lines() {
        let mut skus = Skus::at_most(2);
        for (line, sku, is_first) in [(2, "A", true), (3, "B", true), (4, "A", false), (5, "B", false)] {
            assert_eq!(
                skus.first(line, Ok(product(sku))).expect("there is room").is_ok(),
                is_first,
                "{line}"
            );
        }
        let bad = || Err(Refusal { line: 6, field: None, message: "is empty".to_owned() });
        assert!(skus.first(6, bad()).expect("it has no sku").is_err());
        assert!(skus.first(7, Ok(product("C"))).is_err_and(|why| why.contains("more than 2 products")));
    }
}
