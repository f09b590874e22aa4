//! The local cloud's own commands.

use std::process::Command;

/// Runs `./dev` with these words against the cloud under test; what it printed.
pub fn dev(words: &[&str]) -> String {
    try_dev(words).unwrap_or_else(|why| panic!("{why}"))
}

/// The same; else what it said instead.
pub(crate) fn try_dev(words: &[&str]) -> Result<String, String> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let output = Command::new("./dev").args(words).current_dir(root).output();
    let output = output.map_err(|error| format!("./dev does not run: {error}"))?;
    if !output.status.success() {
        return Err(format!("./dev {} failed: {}", words.join(" "), String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
