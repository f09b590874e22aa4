//! The local cloud's own commands.

use std::process::Command;

/// Runs `./dev` with these words against the cloud under test; what it printed.
pub fn dev(words: &[&str]) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let output = Command::new("./dev").args(words).current_dir(root).output().expect("./dev runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "./dev {} failed: {text}", words.join(" "));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
