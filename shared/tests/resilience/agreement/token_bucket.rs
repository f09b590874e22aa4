//! The token bucket: a list of what flowed in and was taken, and `token_bucket/bucket.lua`.

use proptest::prelude::*;
use redis::Script;
use shared::token_bucket::{Class, Limit, Share};

use super::{histories, script_at};
use crate::server::Server;

const BUCKET: &str = script_at!("../../../src/token_bucket/bucket.lua");
const KEY: &str = "tokens:agreement";
const CLASSES: [Class; 2] = [Class::Interactive, Class::Background];

#[derive(Clone, Debug)]
enum Step {
    Elapse(u64),
    SetBack(u64),
    Take(usize),
    /// What was taken last by this class was not used.
    GiveBack(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..120_u64).prop_map(Step::Elapse),
        1 => (120..3_000_u64).prop_map(Step::Elapse),
        1 => (1..5_000_u64).prop_map(Step::SetBack),
        12 => (0..2_usize).prop_map(Step::Take),
        2 => (0..2_usize).prop_map(Step::GiveBack),
    ]
}

/// The definition, a thousandth of a token at a time.
struct Drops {
    shares: [Share; 2],
    /// Thousandths.
    levels: [u64; 2],
}

impl Drops {
    fn full(shares: [Share; 2]) -> Self {
        Self { shares, levels: shares.map(|share| u64::from(share.burst) * 1000) }
    }

    /// Each drop falls into its own class, into the other where that is full, or beside.
    fn millisecond(&mut self) {
        for own in [0, 1] {
            for _ in 0..self.shares[own].rate {
                let room = |class: &usize| self.levels[*class] < u64::from(self.shares[*class].burst) * 1000;
                if let Some(into) = [own, 1 - own].into_iter().find(room) {
                    self.levels[into] += 1;
                }
            }
        }
    }

    /// How long to wait, by what is the class's own.
    fn take(&mut self, class: usize) -> Option<u64> {
        match self.levels[class].checked_sub(1000) {
            Some(left) => {
                self.levels[class] = left;
                None
            }
            None => Some((1000 - self.levels[class]).div_ceil(u64::from(self.shares[class].rate))),
        }
    }

    fn give(&mut self, class: usize) {
        let most = u64::from(self.shares[class].burst) * 1000;
        self.levels[class] = most.min(self.levels[class] + 1000);
    }
}

/// Both, side by side.
struct Pair<'a> {
    server: &'a Server,
    drops: Drops,
    clock: u64,
    /// True time, which never runs backwards.
    elapsed: u64,
    /// When each token was granted that was used, and to which class.
    used: Vec<(u64, usize)>,
    /// Redis knows what has flowed in until now.
    written: bool,
}

impl Pair<'_> {
    fn ask(&self, class: usize, what: &str) -> (u8, u64) {
        let script = Script::new(BUCKET);
        let mut call = script.key(KEY);
        for share in self.drops.shares {
            call.arg(share.rate).arg(share.burst);
        }
        call.arg(class + 1).arg(what).arg(self.clock).invoke(&mut self.server.raw()).expect("the script runs")
    }

    fn take(&mut self, class: usize) -> Result<(), TestCaseError> {
        let (theirs, ours) = (self.ask(class, "take"), self.drops.take(class));
        prop_assert_eq!(theirs, (u8::from(ours.is_none()), ours.unwrap_or(0)));
        self.written = ours.is_none();
        if self.written {
            self.used.push((self.elapsed, class));
        }
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Elapse(on) => {
                (0..on).for_each(|_| self.drops.millisecond());
                (self.clock, self.elapsed, self.written) = (self.clock + on, self.elapsed + on, false);
            }
            // A refused call writes nothing to Redis, which then does not know how late it had been: left out here.
            Step::SetBack(by) if self.written => {
                self.clock -= by;
                // Whoever asks first finds it out, refused or not, and from then on it flows in again.
                self.take(0)?;
            }
            Step::Take(class) => self.take(class)?,
            Step::GiveBack(class) => {
                if let Some(last) = self.used.iter().rposition(|(_, of)| *of == class) {
                    self.ask(class, "give");
                    self.drops.give(class);
                    self.used.remove(last);
                    self.written = true;
                }
            }
            Step::SetBack(_) => {}
        }
        Ok(())
    }
}

fn agree(server: &Server, calls: u32, steps: &[Step]) -> Result<(), TestCaseError> {
    redis::cmd("DEL").arg(KEY).exec(&mut server.raw()).expect("deleted");
    let limit = Limit::new(calls).expect("enough");
    let drops = Drops::full(CLASSES.map(|class| limit.share(class)));
    let clock = 1_700_000_000_000;
    let mut pair = Pair { server, drops, clock, elapsed: 0, used: Vec::new(), written: false };
    for step in steps {
        pair.step(step)?;
    }
    let calls = usize::try_from(calls).expect("fits");
    for span in pair.used.windows(calls + 1) {
        prop_assert!(span[calls].0 - span[0].0 >= 1000, "{span:?}");
    }
    Ok(())
}

#[test]
fn the_token_bucket_and_its_definition_agree_step_by_step() {
    let server = Server::start();
    proptest!(histories(150), |(limit in 5..60_u32, steps in prop::collection::vec(step(), 1..150))| {
        agree(&server, limit, &steps)?;
    });
}
