//! `export`: what is sold, as a file that an import reads.

use std::fs::{self, File};
use std::io::{BufWriter, Write, stdout};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::ValueEnum;
use shared::catalog::{self, LineOfFile};
use shared::database::{Database, Settings, Statement};

use super::shells::setting;
use cloud::figures::thousands;
use cloud::folder::Folder;
use cloud::progress::say;

static WITHOUT_SKU: Statement = Statement::new(
    "dev.without_sku",
    "select count(*) from products where archived_at is null and sku is null",
);

/// Products of one statement.
const PAGE: usize = 1000;

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Csv,
    Jsonl,
}

/// Writes all products that have a sku, page by page, to a file or to the standard output.
pub(crate) async fn export(folder: &Folder, file: Option<&Path>, format: Option<Format>) -> Result<()> {
    let database = Database::new(Settings::new(&setting(folder, "DATABASE_DIRECT_URL")?)?);
    let by_name = file.and_then(Path::extension).is_some_and(|end| end == "jsonl" || end == "ndjson");
    let format = format.unwrap_or(if by_name { Format::Jsonl } else { Format::Csv });
    let written = match file {
        Some(file) => {
            let (place, made) = Place::of(file)?;
            let out = BufWriter::new(made);
            let written = async { write(&database, Lines::new(format, Box::new(out))?).await };
            place.keep(written.await)?
        }
        None => write(&database, Lines::new(format, Box::new(BufWriter::new(stdout().lock())))?).await?,
    };
    let (left_out,): (i64,) = database.fetch_one(&WITHOUT_SKU).await?;
    let (written, left_out) = (thousands(written), thousands(left_out.cast_unsigned()));
    say(format_args!("  {written} products; {left_out} without a sku are left out"));
    Ok(())
}

/// Where a file is written.
enum Place {
    /// In its own place: a pipe or a terminal has no other.
    Straight,
    /// Beside what stands under the name, and in its place once all of it is there: who exports into the file of
    /// yesterday keeps that where the database does not answer.
    Beside { new: PathBuf, file: PathBuf },
}

impl Place {
    fn of(file: &Path) -> Result<(Self, File)> {
        // Where a link leads to is replaced, not the link.
        let real = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
        let place = if fs::metadata(file).is_ok_and(|about| !about.is_file()) {
            Self::Straight
        } else {
            let mut new = real.clone().into_os_string();
            new.push(".new");
            Self::Beside { new: new.into(), file: real }
        };
        let path = match &place {
            Self::Straight => file,
            Self::Beside { new, .. } => new,
        };
        let made = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok((place, made))
    }

    /// Keeps what was written, unless that failed.
    fn keep<T>(self, written: Result<T>) -> Result<T> {
        let Self::Beside { new, file } = self else { return written };
        if written.is_err() {
            fs::remove_file(new).ok();
            return written;
        }
        fs::rename(&new, &file).with_context(|| format!("cannot write {}", file.display()))?;
        written
    }
}

async fn write(database: &Database, mut lines: Lines) -> Result<u64> {
    let (mut after, mut written) = (None, 0);
    loop {
        let page = catalog::export(database, after, PAGE).await?;
        for product in &page {
            lines.write(&product.line)?;
        }
        written += page.len() as u64;
        match page.last() {
            Some(last) if page.len() == PAGE => after = Some(last.id),
            _ => break,
        }
    }
    lines.end()?;
    Ok(written)
}

enum Lines {
    Csv(Box<csv::Writer<Box<dyn Write>>>),
    Jsonl(Box<dyn Write>),
}

impl Lines {
    fn new(format: Format, out: Box<dyn Write>) -> Result<Self> {
        if format == Format::Jsonl {
            return Ok(Self::Jsonl(out));
        }
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(["sku", "name", "description", "amount", "currency", "featured", "stock"])?;
        Ok(Self::Csv(Box::new(writer)))
    }

    fn write(&mut self, line: &LineOfFile) -> Result<()> {
        let LineOfFile { sku, name, description, price, featured, stock } = line;
        match self {
            Self::Jsonl(out) => {
                serde_json::to_writer(&mut *out, line)?;
                out.write_all(b"\n")?;
            }
            Self::Csv(writer) => {
                let amount = price.amount.to_string();
                let featured = featured.map(|featured| featured.to_string()).unwrap_or_default();
                let stock = stock.map(|stock| stock.to_string()).unwrap_or_default();
                let currency = price.currency.as_str();
                writer.write_record([sku, name, description, &amount, currency, &featured, &stock])?;
            }
        }
        Ok(())
    }

    fn end(self) -> Result<()> {
        match self {
            Self::Jsonl(mut out) => out.flush()?,
            Self::Csv(mut writer) => writer.flush()?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn an_export_that_fails_leaves_the_file_of_yesterday_and_one_that_succeeds_replaces_it() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("products.csv");
        fs::write(&file, "yesterday")?;

        let (place, mut made) = Place::of(&file)?;
        made.write_all(b"half of to")?;
        let failed = || -> Result<()> { bail!("the database does not answer") };
        assert!(place.keep(failed()).is_err());
        assert_eq!(fs::read_to_string(&file)?, "yesterday");

        let (place, mut made) = Place::of(&file)?;
        made.write_all(b"today")?;
        place.keep(Ok(()))?;
        assert_eq!(fs::read_to_string(&file)?, "today");
        assert_eq!(fs::read_dir(folder.path())?.count(), 1);
        Ok(())
    }

    #[test]
    fn what_is_no_file_is_written_straight() -> Result<()> {
        let (place, mut made) = Place::of(Path::new("/dev/null"))?;
        assert!(matches!(place, Place::Straight));
        made.write_all(b"gone")?;
        place.keep(Ok(()))?;
        assert!(!fs::metadata("/dev/null")?.is_file());
        Ok(())
    }
}
