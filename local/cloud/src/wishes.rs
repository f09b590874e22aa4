//! What whoever starts a cloud may ask for, in the environment; `./dev help` lists it.

use std::env;
use std::str::FromStr;

use anyhow::{Context, Result, ensure};

/// The name of [`Wishes::scale`].
pub(crate) const SCALE: &str = "MILLRACE_SCALE";
/// The name of [`Wishes::profile`].
pub(crate) const PROFILE: &str = "MILLRACE_PROFILE";
/// The name of [`Wishes::no_reload`].
pub(crate) const NO_RELOAD: &str = "MILLRACE_NO_RELOAD";
/// The name of [`Wishes::no_console`]. Not in `./dev help`: clouds that commands start for themselves have nobody to
/// watch them.
pub(crate) const NO_CONSOLE: &str = "MILLRACE_NO_CONSOLE";
/// The name of [`Wishes::environments`].
const CONCURRENCY: &str = "MILLRACE_CONCURRENCY";
/// The name of [`Wishes::at_a_time`].
const AT_A_TIME: &str = "MILLRACE_AT_A_TIME";

/// Products are scattered over orders by 16 bits and more; above this the bits would run out.
const LARGEST_SCALE: u32 = 1_000;

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Wishes {
    /// How many times the usual demo data. 0: an empty shop.
    pub scale: u32,
    /// The build that is served as it is (`debug`, `release`); else functions are built while the cloud runs.
    pub profile: Option<String>,
    /// Functions are not rebuilt when their code changes; of a finished build, somebody else has seen to it.
    pub no_reload: bool,
    /// Environments of each function, at most; where nothing is said, whoever serves them knows what is good.
    pub environments: Option<usize>,
    /// Requests that one environment serves at a time.
    pub at_a_time: usize,
    /// Nobody is going to look at the console.
    pub no_console: bool,
}

impl Wishes {
    /// Reads all of them.
    pub fn read() -> Result<Self> {
        let scale = number(SCALE)?.unwrap_or(1);
        ensure!(scale <= LARGEST_SCALE, "{SCALE} must be 0 to {LARGEST_SCALE}");
        Ok(Self {
            scale,
            profile: env::var(PROFILE).ok(),
            no_reload: env::var_os(NO_RELOAD).is_some(),
            environments: number(CONCURRENCY)?,
            at_a_time: number(AT_A_TIME)?.unwrap_or(1).max(1),
            no_console: env::var_os(NO_CONSOLE).is_some(),
        })
    }
}

fn number<T: FromStr>(name: &str) -> Result<Option<T>> {
    let Ok(text) = env::var(name) else { return Ok(None) };
    let number = text.parse().ok();
    number.map(Some).with_context(|| format!("{name} is {text:?}, which is not a number"))
}
