//! `import`: puts a file where the function finds it, and waits until it has.
//!
//! The way of a file on AWS: into the bucket, which tells the queue, which invokes the function.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use shared::catalog::Import;
use shared::database::{Database, Settings, Statement};
use url::Url;
use uuid::Uuid;

use super::shells::setting;
use cloud::figures::thousands;
use cloud::folder::Folder;
use cloud::progress::{Part, step, tell};

static HOW_FAR: Statement = Statement::new(
    "dev.import",
    "select object, lines, created, changed, unchanged, refused, refusals, failure, finished_at is not null as finished,
        true as is_this
    from imports
    where object = $1",
);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(200);
/// After a crash the queue's message comes again within six minutes.
const PATIENCE: Duration = Duration::from_mins(10);

/// Imports a file, prints its bad lines, and fails if there are any.
pub(crate) async fn import(folder: &Folder, file: &Path) -> Result<ExitCode> {
    let text = tokio::fs::read(file).await.with_context(|| format!("cannot read {}", file.display()))?;
    let lines = text.trim_ascii_end().split(|&byte| byte == b'\n').count() as u64;
    let name = file.file_name().and_then(|name| name.to_str()).context("the file has no name")?;
    // A name of its own for each time: the result of the last one stays.
    let object = format!("products/{}-{name}", Uuid::now_v7());
    let database = Database::new(Settings::new(&setting(folder, "DATABASE_DIRECT_URL")?)?);
    let part = Part::new(format!("Importing {name}"));
    let began = Instant::now();
    let import = step(&part, async {
        put(address(&setting(folder, "IMPORTS_URL")?, &object)?, text).await?;
        wait(&database, &object, |import| {
            let (done, seconds) = (import.lines.cast_unsigned(), began.elapsed().as_secs().max(1));
            let percent = (done * 100 / lines).min(100);
            let (rate, refused) = (thousands(done / seconds), import.refused);
            part.is_at(format!("{} lines ({percent} %), {rate} a second, {refused} bad", thousands(done)));
        })
        .await
    })
    .await?;
    Ok(report(&import))
}

/// Where an object of the bucket is. A file's name may hold what means something else in an address.
fn address(bucket: &str, object: &str) -> Result<Url> {
    let mut url = Url::parse(bucket)?;
    url.path_segments_mut().ok().context("the bucket's address is none")?.extend(object.split('/'));
    // Which is good in a path, and a space to servers that read it as a form.
    url.set_path(&url.path().replace('+', "%2B"));
    Ok(url)
}

async fn put(url: Url, text: Vec<u8>) -> Result<()> {
    let answer = reqwest::Client::new().put(url).body(text).send().await.context("there is no bucket")?;
    ensure!(answer.status().is_success(), "the bucket did not take the file: {}", answer.status());
    Ok(())
}

async fn wait(database: &Database, object: &str, tell: impl Fn(&Import)) -> Result<Import> {
    let (mut last, mut moved) = (-1, Instant::now());
    loop {
        let import: Option<Import> = database.fetch_optional(HOW_FAR.bind(object)).await?;
        if let Some(import) = import {
            tell(&import);
            if import.finished {
                return Ok(import);
            }
            if import.lines > last {
                (last, moved) = (import.lines, Instant::now());
            }
        }
        if moved.elapsed() > PATIENCE {
            bail!("nothing has happened for ten minutes: ./dev logs functions, ./dev logs dispatcher");
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn report(import: &Import) -> ExitCode {
    for refusal in &import.refusals.0 {
        let field = refusal.field.as_ref().map(|field| format!("{field} ")).unwrap_or_default();
        tell(format_args!("line {}: {field}{}", refusal.line, refusal.message));
    }
    let [created, changed, unchanged, refused] =
        [import.created, import.changed, import.unchanged, import.refused].map(i64::cast_unsigned);
    let told = import.refusals.0.len() as u64;
    if told < refused {
        tell(format_args!("and {} more", thousands(refused - told)));
    }
    let [new, different, same, bad] = [created, changed, unchanged, refused].map(thousands);
    tell(format_args!("{new} new, {different} changed, {same} as before, {bad} bad"));
    if let Some(failure) = &import.failure {
        tell(format_args!("the file was not read: {failure}"));
    }
    if refused > 0 || import.failure.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_any_name_is_put_under_that_name() -> Result<()> {
        let object = "products/1-50% off #2? a+b %41.csv";
        let url = address("http://127.0.0.1:9/imports", object)?;
        assert_eq!(url.path(), "/imports/products/1-50%25%20off%20%232%3F%20a%2Bb%20%2541.csv");
        assert_eq!((url.query(), url.fragment()), (None, None));
        Ok(())
    }
}
