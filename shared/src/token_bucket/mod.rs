//! Token buckets in front of a provider that takes only so many calls a second: one for each of its endpoints, shared
//! by all environments.
//!
//! ```no_run
//! # use {shared::{redis::Redis, token_bucket::{Class, TokenBuckets, Turn}}, std::time::Duration};
//! # async fn example(redis: Redis, carrier: TokenBuckets, call: impl Future, put_off: impl AsyncFn(Duration)) {
//! match redis.batch(carrier.take("price", Class::Interactive)).await {
//!     Turn::Granted(_) => drop(call.await),
//!     Turn::Refused { wait } => put_off(wait).await,
//! }
//! # }
//! ```
//!
//! No second sees more calls than the limit. Who has somebody waiting takes from a part of the bucket of its own, and
//! so does who works through what was put off; what one part does not need flows into the other. (The algorithm:
//! [token bucket][wikipedia], with what overflows borrowed as between the classes of a [hierarchical][htb] one.)
//!
//! A refusal uses up nothing, a token that was taken and not used is given back where somebody could miss it
//! ([`Command::undo`]), and when Redis is away nobody is refused: the provider has a limit of its own.
//!
//! [wikipedia]: https://en.wikipedia.org/wiki/Token_bucket
//! [htb]: https://man7.org/linux/man-pages/man8/tc-htb.8.html

mod limit;

use std::time::Duration;

pub use limit::{Class, Limit, Share};
use tracing::debug;

use crate::redis::{Call, Calls, Command, Replies, Script};
use crate::telemetry::{self, Counter};

static BUCKET: Script =
    Script::new("token_bucket", concat!(include_str!("../redis/clock.lua"), include_str!("bucket.lua")));

/// The buckets of one provider.
#[derive(Clone, Debug)]
pub struct TokenBuckets {
    provider: &'static str,
    limit: Option<Limit>,
}

/// Whether a call may be made now.
#[derive(Debug)]
#[must_use = "a turn decides whether the call may be made"]
pub enum Turn {
    /// It may.
    Granted(Token),
    /// It would be too many.
    Refused {
        /// When there will be a token, unless somebody else takes it.
        wait: Duration,
    },
}

/// A token that was taken; none, where nobody counts.
#[derive(Debug, Default)]
pub struct Token(Option<Call>);

impl TokenBuckets {
    /// The buckets of the provider of this name; without a limit everybody is granted a turn, and Redis is not asked.
    #[must_use]
    pub const fn new(provider: &'static str, limit: Option<Limit>) -> Self {
        Self { provider, limit }
    }

    /// So many calls of an endpoint a second can go on for good, whoever makes them; `None` where nobody counts.
    #[must_use]
    pub fn flow(&self) -> Option<u32> {
        self.limit.map(Limit::flow)
    }

    /// A command that takes a token for one call of an endpoint. Answers with a [`Turn`].
    pub fn take(&self, endpoint: &str, class: Class) -> Take {
        let calls = self.limit.map(|limit| {
            let shares = [Class::Interactive, Class::Background].map(|class| limit.share(class));
            let call = BUCKET.on([format!("tokens:{}:{endpoint}", self.provider)]);
            let call = shares.iter().fold(call, |call, share| call.arg(share.rate).arg(share.burst));
            let call = call.arg(class.number());
            (call.clone().arg("take"), call.arg("give"))
        });
        Take { calls, class }
    }
}

/// A command that takes a token. See [`TokenBuckets::take`].
#[must_use = "a command does nothing until it is sent in a batch"]
pub struct Take {
    /// What takes it, and what gives it back.
    calls: Option<(Call, Call)>,
    class: Class,
}

impl Command for Take {
    type Output = Turn;

    fn calls(&self, calls: &mut Calls) {
        if let Some((take, _)) = &self.calls {
            calls.push(take.clone());
        }
    }

    fn read(self, replies: &mut Replies) -> Turn {
        let Some((_, give)) = self.calls else { return Turn::Granted(Token::default()) };
        match replies.next::<(u8, u64)>() {
            Some((0, wait)) => {
                debug!(class = ?self.class, wait, "no token");
                // Who works through what was put off asks until it has one: that is no news.
                if self.class == Class::Interactive {
                    telemetry::count(Counter::ProviderHeldBack);
                }
                Turn::Refused { wait: Duration::from_millis(wait) }
            }
            Some(_) => Turn::Granted(Token(Some(give))),
            None => Turn::Granted(Token::default()),
        }
    }

    fn undo(output: Turn, calls: &mut Calls) {
        if let Turn::Granted(Token(Some(give))) = output {
            calls.push(give);
        }
    }
}
