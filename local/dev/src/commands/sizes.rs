//! `sizes`: what each function is made of, and how large it became.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use cloud::archive;
use cloud::folder::Folder;
use cloud::progress::{table, tell};

/// Prints crates and bytes of each function's release build, also as the archive that is uploaded; `build` makes it
/// first, as `sam build` does: each function alone, so that none gets the features of another.
pub(crate) async fn sizes(folder: &Folder, build: bool) -> Result<()> {
    let mut rows = Vec::new();
    for function in folder.written_functions() {
        if build {
            let arguments = ["build", "--release", "--package", &function, "--quiet"];
            let status = Command::new("cargo").args(arguments).current_dir(&folder.root).status();
            ensure!(status.context("cannot run cargo")?.success(), "{function} does not compile");
        }
        let program = folder.binaries("release").join(&function);
        let [binary, archive] = if program.exists() {
            let (binary, archive) = archive::sizes(&program, &folder.path).await?;
            [megabytes(binary), megabytes(archive)]
        } else {
            ["not built: --build".to_owned(), String::new()]
        };
        let linked = crates(&folder.root, &function)?.len().to_string();
        rows.push([function, linked, binary, archive]);
    }
    tell(table(["function", "crates", "binary", "archive"], &rows).trim_end());
    Ok(())
}

/// The crates that are linked into it, by name and version, its own included; not those that only run while it is
/// built.
fn crates(root: &Path, function: &str) -> Result<BTreeSet<String>> {
    let arguments = ["tree", "--package", function, "--edges", "normal,no-proc-macro", "--prefix", "none"];
    let output = Command::new("cargo").args(arguments).current_dir(root).output();
    let output = output.context("cannot run cargo")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    // A crate is its name and version; what follows says where it comes from or that it was listed before.
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect())
}

fn megabytes(bytes: u64) -> String {
    let tenths = bytes / 100_000;
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_asks_others_often_links_the_client_for_it() -> Result<()> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for (function, expected) in
            [("get-product", false), ("search-products", false), ("list-orders", false), ("checkout", true)]
        {
            let linked = crates(&root, function)?.iter().any(|name| name.starts_with("reqwest "));
            assert_eq!(linked, expected, "{function}");
        }
        Ok(())
    }

    #[test]
    fn it_counts_the_crates_of_a_function() -> Result<()> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let [product, checkout] = [crates(&root, "get-product")?.len(), crates(&root, "checkout")?.len()];
        assert!(product > 20 && checkout > product, "{product} and {checkout}");
        assert_eq!(megabytes(12_345_678), "12.3 MB");
        Ok(())
    }
}
