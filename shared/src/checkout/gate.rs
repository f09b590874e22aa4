//! The gate before the payment provider: its breaker, and the tokens of its endpoints, asked in one batch.

use std::time::Duration;

use crate::breaker::{Acquire, Admission, Breaker, Permit};
use crate::orders::WaitsFor;
use crate::payments::Operation;
use crate::redis::{Calls, Command, Redis, Replies};
use crate::token_bucket::{Class, Take, Token, TokenBuckets, Turn};

/// The gate of this environment. Cheap to clone.
#[derive(Clone)]
pub struct Gate {
    breaker: Breaker,
    tokens: TokenBuckets,
    redis: Redis,
}

/// Whether somebody's call may be made now.
#[must_use = "an entry decides whether the call may be made"]
#[derive(Debug)]
pub enum Entry {
    /// It may.
    Open(Pass),
    /// It may not; there is nothing to give back.
    Shut(Shut),
}

/// The right to call. One that is not used is to be [given back](Gate::give_back).
#[derive(Debug)]
pub struct Pass {
    /// For the breaker, which is to be told how it went.
    pub permit: Permit,
    token: Token,
}

/// Why a call may not be made.
#[derive(Clone, Copy, Debug)]
pub struct Shut {
    /// What for.
    pub waits_for: WaitsFor,
    /// When it is worth asking again.
    pub retry_after: Duration,
}

impl Gate {
    /// Of this breaker and these buckets.
    #[must_use]
    pub fn new(breaker: Breaker, tokens: TokenBuckets, redis: Redis) -> Self {
        Self { breaker, tokens, redis }
    }

    /// A command that asks for one call of an endpoint, for somebody who waits. Answers with an [`Entry`].
    pub fn enter(&self, operation: Operation) -> Enter {
        let token = self.tokens.take(operation.as_str(), Class::Interactive);
        Enter(self.breaker.acquire(), token)
    }

    /// No call was made: gives back what others may miss, with one more round trip.
    pub async fn give_back(&self, entry: Entry) {
        self.redis.undo::<Enter>(entry).await;
    }
}

/// See [`Gate::enter`].
#[must_use = "a command does nothing until it is sent in a batch"]
pub struct Enter(Acquire, Take);

impl Command for Enter {
    type Output = Entry;

    fn calls(&self, calls: &mut Calls) {
        self.0.calls(calls);
        self.1.calls(calls);
    }

    fn read(self, replies: &mut Replies) -> Entry {
        let (admission, turn) = (self.0.read(replies), self.1.read(replies));
        match (admission, turn) {
            // Few calls pass while the breaker finds out, and none while it is open: tokens are not scarce then.
            (Admission::Probe(permit), _) => Entry::Open(Pass { permit, token: Token::default() }),
            (Admission::Deny { retry_after }, _) => {
                Entry::Shut(Shut { waits_for: WaitsFor::Provider, retry_after })
            }
            (Admission::Allow(permit), Turn::Granted(token)) => Entry::Open(Pass { permit, token }),
            // What is skipped is no news to a closed breaker.
            (Admission::Allow(_), Turn::Refused { wait }) => {
                Entry::Shut(Shut { waits_for: WaitsFor::ProvidersLimit, retry_after: wait })
            }
        }
    }

    fn undo(entry: Entry, calls: &mut Calls) {
        if let Entry::Open(Pass { permit, token }) = entry {
            Acquire::undo(Admission::Allow(permit), calls);
            Take::undo(Turn::Granted(token), calls);
        }
    }
}
