//! The functions, served by our own Runtime API: what is built while the cloud runs
//! ([`Builds`](crate::builds::Builds)), or a finished build as it is.

use anyhow::Result;

use crate::cargo::{build, build_for_release};
use crate::cloud::Cloud;
use crate::log::open_log;
use crate::process::Program;

/// Makes the build that is served as it is.
pub(super) async fn prepare(cloud: &Cloud) -> Result<()> {
    let log = open_log(&cloud.folder.log("functions"))?;
    match cloud.wishes.profile.as_deref() {
        // Somebody else sees to it, as `./dev bench` does.
        Some(_) if cloud.wishes.no_reload => Ok(()),
        Some("release") => {
            let functions: Vec<_> =
                cloud.written_functions().map(|function| function.name.as_str()).collect();
            build_for_release(&functions, &log).await
        }
        Some(_) => build("Building the functions", &["build", "--bins"], &log).await,
        None => Ok(()),
    }
}

pub(super) fn program(cloud: &Cloud) -> Program {
    let profile = cloud.wishes.profile.iter().map(String::as_str);
    Program::new(&cloud.launcher, ["serve"].into_iter().chain(profile))
}
