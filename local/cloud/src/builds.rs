//! The functions' builds while a cloud runs: one when it starts, and one after each change of their sources.
//!
//! What has been built is kept in a folder of the cloud's own, as another name of cargo's file. So the last good build
//! of a function goes on answering while the next one compiles, or does not compile, or waits for another cargo's lock,
//! and whatever else is built meanwhile. Whoever serves the functions looks at that folder before each invocation.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use anyhow::{Context, Result, anyhow};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::cargo;
use crate::cloud::Cloud;
use crate::folder::Folder;
use crate::log::open_log;
use crate::progress::{Part, say, step};
use crate::service::Service;
use crate::sources::Sources;

/// As `cargo lambda watch` builds them, so that each finds what the other has built.
const BUILD: [&str; 2] = ["build", "--bins"];

/// What came of the last build; `None` while one is under way.
type Outcome = Option<Result<(), String>>;

/// See the module. Dropping it ends a build that is under way.
pub struct Builds {
    outcome: watch::Receiver<Outcome>,
    part: Arc<Part>,
    task: AbortHandle,
}

impl Builds {
    /// Begins with a build; others follow, unless whoever starts the cloud wishes otherwise.
    pub fn start(cloud: &Cloud) -> Self {
        let part = Arc::new(Part::new("Building the functions"));
        let (report, outcome) = watch::channel(None);
        let builder = Builder { folder: cloud.folder.clone(), part: Arc::clone(&part) };
        let once = cloud.wishes.no_reload;
        let task = tokio::spawn(async move { builder.run(once, &report).await }).abort_handle();
        Self { outcome, part, task }
    }

    /// How far the build is that is under way.
    pub fn part(&self) -> Arc<Part> {
        Arc::clone(&self.part)
    }

    /// Waits for the end of a build that is under way. The error is that of the last build.
    pub async fn over(&mut self) -> Result<()> {
        let outcome = self.outcome.wait_for(Option::is_some).await.context("nobody builds any more")?.clone();
        outcome.unwrap_or(Ok(())).map_err(|error| anyhow!(error))
    }
}

impl Drop for Builds {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Builder {
    folder: Folder,
    part: Arc<Part>,
}

impl Builder {
    /// The first build is told about by whoever waits for it.
    async fn run(&self, once: bool, outcome: &watch::Sender<Outcome>) {
        let report = |built: Result<()>| {
            outcome.send_replace(Some(built.map_err(|error| format!("{error:#}"))));
        };
        // From before each build, so that what changes during it is seen after it.
        let mut sources = Sources::of(&self.folder.root);
        report(self.build().await.map(drop));
        if once {
            return;
        }
        loop {
            let changed = sources.until_changed(&self.folder.root).await;
            sources = Sources::of(&self.folder.root);
            say(format_args!("  {} has changed.", changed.display()));
            outcome.send_replace(None);
            report(self.build_again().await);
        }
    }

    async fn build_again(&self) -> Result<()> {
        let built = step(&*self.part, self.build()).await;
        match &built {
            Ok(replaced) if replaced.is_empty() => say("  It concerns no function."),
            Ok(replaced) => say(format_args!("  Answering anew: {}", replaced.join(", "))),
            Err(error) => say(format_args!("  {error:#}\n  What was built before goes on answering.")),
        }
        built.map(drop)
    }

    /// Builds all functions and keeps each as soon as it is there. Returns those that are others than before.
    async fn build(&self) -> Result<Vec<String>> {
        let log = open_log(&self.folder.log(Service::Functions.name()))?;
        let functions = self.folder.written_functions();
        let (built, mut replaced) = (AtomicUsize::new(0), Vec::new());
        let far = |units: String| {
            let (done, all) = (built.load(Relaxed), functions.len());
            self.part.is_at(format!("{units}; {done} of {all} functions answer"));
        };
        self.part.is_at("");
        let there_is = |program: &Path| {
            let name = program.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let function = functions.iter().find(|function| *function == name);
            if let Some(function) = function {
                built.fetch_add(1, Relaxed);
                replaced.extend(keep(program, &self.folder.functions())?.then(|| function.clone()));
            }
            Ok(())
        };
        cargo::run(&BUILD, &log, far, there_is).await?;
        Ok(replaced)
    }
}

/// Puts a program into a folder, at once and whole. Tells whether it is another than was there.
fn keep(program: &Path, folder: &Path) -> Result<bool> {
    let kept = folder.join(program.file_name().context("a program has a name")?);
    let put = || {
        if fs::metadata(&kept).is_ok_and(|kept| fs::metadata(program).is_ok_and(|new| is_same(&new, &kept))) {
            return Ok(false);
        }
        fs::create_dir_all(folder)?;
        let draft = kept.with_extension("new");
        fs::remove_file(&draft).ok();
        // Where cargo's files are on another disk, a copy.
        fs::hard_link(program, &draft).or_else(|_| fs::copy(program, &draft).map(drop))?;
        fs::rename(&draft, &kept)?;
        Ok::<_, std::io::Error>(true)
    };
    put().with_context(|| format!("cannot keep {}", program.display()))
}

/// Whether what is kept is this very file; on another disk, a copy of it.
fn is_same(new: &Metadata, kept: &Metadata) -> bool {
    if new.dev() == kept.dev() {
        new.ino() == kept.ino()
    } else {
        new.len() == kept.len() && new.mtime() <= kept.mtime()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_is_kept_when_another_takes_its_place_and_is_not_kept_twice() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let (program, kept) = (folder.path().join("checkout"), folder.path().join("kept"));
        let build = |text: &str| {
            fs::remove_file(&program).ok().into_iter().try_for_each(|()| fs::write(&program, text))
        };
        fs::write(&program, "one")?;
        assert!(keep(&program, &kept)?);
        assert!(!keep(&program, &kept)?, "the same again");
        build("two")?;
        assert_eq!(fs::read_to_string(kept.join("checkout"))?, "one");
        assert!(keep(&program, &kept)?);
        assert_eq!(fs::read_to_string(kept.join("checkout"))?, "two");
        assert_eq!(fs::read_dir(&kept)?.count(), 1);
        Ok(())
    }
}
