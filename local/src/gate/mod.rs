//! `./dev test`.

use std::process::ExitCode;

use anyhow::Result;

use crate::folder::Folder;

/// Runs the gate.
pub(crate) async fn run(_folder: &Folder) -> Result<ExitCode> {
    Ok(ExitCode::FAILURE)
}
