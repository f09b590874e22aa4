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
pub const LARGEST_SCALE: u32 = 1_000;

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
        Self::of(|name| env::var(name).ok())
    }

    /// An empty value counts as not set, as everywhere.
    fn of(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let wish = |name| variable(name).filter(|value| !value.is_empty());
        let scale = number(SCALE, wish(SCALE))?.unwrap_or(1);
        ensure!(scale <= LARGEST_SCALE, "{SCALE} must be 0 to {LARGEST_SCALE}");
        let profile = wish(PROFILE);
        let known = profile.as_deref().is_none_or(|profile| ["debug", "release"].contains(&profile));
        ensure!(known, "{PROFILE} must be debug or release");
        let environments = number(CONCURRENCY, wish(CONCURRENCY))?;
        ensure!(
            environments != Some(0),
            "{CONCURRENCY} must be at least 1: with none nobody would be answered"
        );
        Ok(Self {
            scale,
            profile,
            no_reload: wish(NO_RELOAD).is_some(),
            environments,
            at_a_time: number(AT_A_TIME, wish(AT_A_TIME))?.unwrap_or(1).max(1),
            no_console: wish(NO_CONSOLE).is_some(),
        })
    }
}

fn number<T: FromStr>(name: &str, text: Option<String>) -> Result<Option<T>> {
    let Some(text) = text else { return Ok(None) };
    let number = text.parse().ok();
    number.map(Some).with_context(|| format!("{name} is {text:?}, which is not a number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, value: &str) -> Result<Wishes> {
        Wishes::of(|asked| (asked == name).then(|| value.to_owned()))
    }

    #[test]
    fn what_could_not_be_served_is_refused_by_its_name() {
        for (name, value) in
            [(SCALE, "1001"), (SCALE, "many"), (PROFILE, "fast"), (CONCURRENCY, "0"), (AT_A_TIME, "-1")]
        {
            let refused = with(name, value).expect_err(value).to_string();
            assert!(refused.contains(name), "{refused}");
        }
    }

    #[test]
    fn an_empty_value_counts_as_not_set() -> Result<()> {
        for name in [SCALE, PROFILE, NO_RELOAD, NO_CONSOLE, CONCURRENCY, AT_A_TIME] {
            assert_eq!(format!("{:?}", with(name, "")?), format!("{:?}", Wishes::of(|_| None)?), "{name}");
        }
        Ok(())
    }
}
