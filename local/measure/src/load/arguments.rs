//! What `./dev load` takes.

use cloud::LARGEST_SCALE;

/// See the module.
#[derive(clap::Args)]
#[command(
    about = "Virtual users in an open loop, in a cloud of its own; the exit status tells whether the goals held"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Arguments {
    /// How many users; several numbers with commas between them are tried one after the other.
    #[arg(long, value_delimiter = ',', default_value = "10000", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(super) users: Vec<u64>,
    /// Looks for the largest number for which every goal holds: doubled from the first of --users until one gives out,
    /// then the gap is halved down to a tenth.
    #[arg(long)]
    pub(super) ceiling: bool,
    /// Tries each number with the functions' twins in Node.js as well, in turn with ours; needs it and npm.
    #[arg(long)]
    pub(super) node: bool,
    /// How long, for each number of users.
    #[arg(long, default_value_t = 10.0)]
    pub(super) minutes: f64,
    /// Takes the payment provider and Redis away in the middle.
    #[arg(long)]
    pub(super) faults: bool,
    /// How many calls a second the payment provider takes for each of its endpoints, as Stripe does.
    #[arg(long, default_value_t = PROVIDER_LIMIT, value_parser = clap::value_parser!(u32).range(5..))]
    pub(super) provider_limit: u32,
    /// Stores the page and the tables under docs/benchmarks/; of several runs, the page of all of them.
    #[arg(long)]
    pub(super) save: bool,
    /// Serves what is built already.
    #[arg(long)]
    pub(super) no_build: bool,
    /// How many times the usual demo data.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(LARGEST_SCALE)))]
    pub(super) scale: u32,
}

/// Stripe's own, unless it is asked for more.
const PROVIDER_LIMIT: u32 = 25;

impl Arguments {
    /// What was typed, as far as it decides what is measured.
    pub(super) fn command(&self) -> String {
        let users: Vec<_> = self.users.iter().map(u64::to_string).collect();
        let words = [
            Some(format!("./dev load --users {} --minutes {}", users.join(","), self.minutes)),
            self.ceiling.then(|| "--ceiling".to_owned()),
            self.node.then(|| "--node".to_owned()),
            (self.scale > 1).then(|| format!("--scale {}", self.scale)),
            self.faults.then(|| "--faults".to_owned()),
            (self.provider_limit != PROVIDER_LIMIT)
                .then(|| format!("--provider-limit {}", self.provider_limit)),
        ];
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// The name of a file about it: what it is about, and under which circumstances.
    pub(super) fn name(&self, about: &str, node: bool) -> String {
        let words = [
            Some(format!("load-{about}")),
            node.then(|| "node".to_owned()),
            (self.scale > 1).then(|| format!("scale-{}", self.scale)),
            self.faults.then(|| "faults".to_owned()),
        ];
        words.into_iter().flatten().collect::<Vec<_>>().join("-")
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command, FromArgMatches};

    use super::*;

    fn parsed(words: &str) -> Result<Arguments, clap::Error> {
        let command = Arguments::augment_args(Command::new("load"));
        let words = std::iter::once("load").chain(words.split_whitespace());
        Arguments::from_arg_matches(&command.try_get_matches_from(words)?)
    }

    #[test]
    fn the_command_of_a_page_says_everything_that_was_asked_for() -> Result<(), clap::Error> {
        for words in [
            "--users 10000 --minutes 10",
            "--users 500,1000 --minutes 0.5 --node",
            "--users 1000 --minutes 2 --ceiling --node --scale 10 --faults --provider-limit 50",
        ] {
            assert_eq!(parsed(words)?.command(), format!("./dev load {words}"));
        }
        assert_eq!(parsed("--save --no-build")?.command(), "./dev load --users 10000 --minutes 10");
        Ok(())
    }

    #[test]
    fn files_about_different_runs_have_different_names() -> Result<(), clap::Error> {
        assert_eq!(parsed("")?.name("10000", false), "load-10000");
        assert_eq!(parsed("--node")?.name("10000", true), "load-10000-node");
        assert_eq!(parsed("--scale 10 --faults")?.name("ceiling", true), "load-ceiling-node-scale-10-faults");
        Ok(())
    }
}
