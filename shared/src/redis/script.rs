//! Lua scripts, the calls of a batch, and their replies.
//!
//! Scripts are content-addressed: sent by SHA-1, and only where Redis does not know one, again with its body. Two
//! versions of a deployment can so run side by side, which Redis Functions (one body for a name) would not allow.

use std::fmt::Display;
use std::io::Write;
use std::sync::OnceLock;

use redis::{Cmd, FromRedisValue, RedisResult, Value};
use tracing::warn;

/// A Lua script. Its text begins with `redis/clock.lua`, the one place where scripts take their time from.
#[derive(Debug)]
pub struct Script {
    name: &'static str,
    body: &'static str,
    sha: OnceLock<String>,
}

impl Script {
    /// A script under the name that logs show.
    #[must_use]
    pub const fn new(name: &'static str, body: &'static str) -> Self {
        Self { name, body, sha: OnceLock::new() }
    }

    /// A call of this script. Every key it touches must be given, and all keys share one hash tag.
    pub fn on<K: AsRef<str>>(&'static self, keys: impl IntoIterator<Item = K>) -> Call {
        let call = Call { script: self, keys: 0, data: Vec::with_capacity(128), ends: Vec::with_capacity(8) };
        let mut call = keys.into_iter().fold(call, |call, key| call.bytes(key.as_ref()));
        call.keys = call.ends.len();
        call
    }

    fn sha(&self) -> &str {
        self.sha.get_or_init(|| redis::Script::new(self.body).get_hash().to_owned())
    }
}

/// One script call of a batch.
#[derive(Clone, Debug)]
pub struct Call {
    script: &'static Script,
    keys: usize,
    /// Keys and arguments, one after the other, and where each ends: a request makes them all anew.
    data: Vec<u8>,
    ends: Vec<usize>,
}

impl Call {
    /// Adds a text argument; numbers go as their decimal text.
    #[must_use]
    pub fn arg(mut self, value: impl Display) -> Self {
        // Writing to a vector cannot fail.
        let _ = write!(self.data, "{value}");
        self.bytes([])
    }

    /// Adds a binary argument.
    #[must_use]
    pub fn bytes(mut self, value: impl AsRef<[u8]>) -> Self {
        self.data.extend_from_slice(value.as_ref());
        self.ends.push(self.data.len());
        self
    }

    pub(super) fn name(&self) -> &'static str {
        self.script.name
    }

    pub(super) fn by_sha(&self) -> Cmd {
        self.command("EVALSHA", self.script.sha())
    }

    pub(super) fn by_body(&self) -> Cmd {
        self.command("EVAL", self.script.body)
    }

    fn command(&self, verb: &str, script: &str) -> Cmd {
        let mut command = Cmd::with_capacity(3 + self.ends.len(), script.len() + self.data.len() + 16);
        command.arg(verb).arg(script).arg(self.keys);
        let mut start = 0;
        for end in &self.ends {
            command.arg(&self.data[start..*end]);
            start = *end;
        }
        command
    }
}

/// What a batch sends.
#[derive(Debug, Default)]
pub struct Calls(Vec<Call>);

impl Calls {
    /// Adds a call to the batch.
    pub fn push(&mut self, call: Call) {
        self.0.push(call);
    }

    pub(super) fn into_vec(self) -> Vec<Call> {
        self.0
    }
}

/// Why there is no answer to a call, for a person who asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// Redis is away, too slow, or of no use as a whole.
    #[error("{0}")]
    Silence(String),
    /// Redis answers: that this script failed, or something that is no answer to it.
    #[error("{0}")]
    Failure(String),
}

/// What came back, in the order of the calls.
pub struct Replies(std::vec::IntoIter<(&'static str, RedisResult<Value>)>);

impl Replies {
    pub(super) fn none() -> Self {
        Self(Vec::new().into_iter())
    }

    pub(super) fn new(replies: Vec<(&'static str, RedisResult<Value>)>) -> Self {
        Self(replies.into_iter())
    }

    /// The reply to the one call there was, or what went wrong with it.
    pub(super) fn only<T: FromRedisValue>(mut self) -> Result<T, NoAnswer> {
        let (_, reply) = self.0.next().ok_or_else(|| NoAnswer::Silence("no reply".to_owned()))?;
        let parsed = reply.and_then(|value| Ok(redis::from_redis_value::<T>(value)?));
        parsed.map_err(|error| NoAnswer::Failure(error.to_string()))
    }

    /// The next reply, or `None` where there is none: Redis is away, or this entry failed on its own.
    #[expect(
        clippy::should_implement_trait,
        reason = "each reply has a type of its own, so this is not an iterator"
    )]
    pub fn next<T: FromRedisValue>(&mut self) -> Option<T> {
        let (script, reply) = self.0.next()?;
        let parsed = reply.and_then(|value| Ok(redis::from_redis_value::<T>(value)?));
        parsed
            .map_err(|error| warn!(script, %error, "a script failed in Redis; going on without its answer"))
            .ok()
    }
}
