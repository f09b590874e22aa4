//! How large a function is, as a program and as what is uploaded.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

/// Bytes of the program, and of the archive that Lambda gets. `scratch` is where it may be written meanwhile.
pub async fn sizes(program: &Path, scratch: &Path) -> Result<(u64, u64)> {
    let size = fs::metadata(program).with_context(|| format!("{} is missing", program.display()))?.len();
    let (bootstrap, archive) = (scratch.join("bootstrap"), scratch.join("bootstrap.zip"));
    fs::copy(program, &bootstrap)?;
    // The name that Lambda runs, compressed as `cargo lambda build` does.
    let mut zip = Command::new("python3");
    zip.args(["-m", "zipfile", "-c"]).arg(&archive).arg(&bootstrap);
    ensure!(zip.status().await.context("cannot run python3")?.success(), "the archive could not be written");
    let zipped = fs::metadata(&archive)?.len();
    fs::remove_file(&archive)?;
    fs::remove_file(&bootstrap)?;
    Ok((size, zipped))
}
