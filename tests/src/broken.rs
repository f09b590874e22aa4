//! What a test breaks is mended when the test is done with it, also when it fails: the tests after it find a whole
//! cloud.

use std::thread;

use cloud::progress::say;

use crate::dev::{dev, try_dev};

/// Something that is broken until this is dropped.
#[must_use = "it is mended as soon as this is dropped"]
pub struct Broken(Option<Box<dyn FnOnce() -> Result<(), String> + Send>>);

impl Broken {
    /// Mended by what `mend` does. Made before anything is broken, so that nothing stays so.
    pub(crate) fn until(mend: impl AsyncFnOnce() -> Result<(), String> + Send + 'static) -> Self {
        Self(Some(Box::new(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map_err(|error| error.to_string())?.block_on(mend())
        })))
    }
}

impl Drop for Broken {
    fn drop(&mut self) {
        let Some(mend) = self.0.take() else { return };
        // On a thread of its own: the test's has a runtime already, which cannot wait in here.
        let mended = thread::spawn(mend).join().unwrap_or_else(|_| Err("mending panicked".to_owned()));
        match mended {
            // One panic is being told already, and a second would hide it.
            Err(why) if thread::panicking() => say(format_args!("not mended: {why}")),
            mended => mended.expect("it is mended"),
        }
    }
}

/// A service of the cloud is away.
pub fn away(service: &'static str) -> Broken {
    let broken = Broken::until(async move || try_dev(&["start", service]).map(drop));
    dev(&["stop", service]);
    broken
}

/// A breaker is forced (`force-open`, `force-close`), and afterwards decides for itself again.
pub fn breaker_forced(order: &str, name: &'static str) -> Broken {
    let broken = Broken::until(async move || try_dev(&["breaker", "auto", name]).map(drop));
    dev(&["breaker", order, name]);
    broken
}
