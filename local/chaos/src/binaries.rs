//! The functions, built with kill points and put where no other build replaces them.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use cloud::Cloud;
use cloud::cargo;
use cloud::log::open_log;

/// Builds these functions and returns the folder that holds them.
///
/// In the target folder of every other build, so that the dependencies are compiled once. There the next build puts
/// functions without kill points in their place, hence the copies.
pub(super) async fn build(cloud: &Cloud, functions: &[&str]) -> Result<PathBuf> {
    let log = open_log(&cloud.folder.log("build"))?;
    let mut arguments = vec!["build", "--workspace", "--features", "shared/kill-points"];
    arguments.extend(functions.iter().flat_map(|function| ["--bin", function]));
    let built = cargo::build("Building the functions", &arguments, &log).await;
    built.with_context(|| format!("see {}", cloud.folder.log("build").display()))?;
    let built = cloud.folder.binaries("debug");
    let folder = cloud.folder.functions();
    fs::create_dir_all(&folder)?;
    for function in functions {
        let program = built.join(function);
        fs::copy(&program, folder.join(function))
            .with_context(|| format!("cannot copy {}", program.display()))?;
    }
    Ok(folder)
}
