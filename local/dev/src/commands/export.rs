//! `export`: what is sold, as a file that an import reads.

use std::fs::File;
use std::io::{BufWriter, Write, stdout};
use std::path::Path;

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
    let out: Box<dyn Write> = match file {
        Some(file) => {
            let made = File::create(file).with_context(|| format!("cannot write {}", file.display()))?;
            Box::new(BufWriter::new(made))
        }
        None => Box::new(BufWriter::new(stdout().lock())),
    };
    let written = write(&database, Lines::new(format, out)?).await?;
    let (left_out,): (i64,) = database.fetch_one(&WITHOUT_SKU).await?;
    let (written, left_out) = (thousands(written), thousands(left_out.cast_unsigned()));
    say(format_args!("  {written} products; {left_out} without a sku are left out"));
    Ok(())
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
