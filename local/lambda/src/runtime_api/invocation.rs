//! One invocation, from its event to what became of it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::sync::oneshot;
use uuid::Uuid;

/// What a function answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// As the function wrote it.
    pub body: Bytes,
    /// Lambda's id of the invocation, which the function's log has too.
    pub request_id: String,
    /// Who answered.
    pub environment: u64,
    /// Whether it was that environment's first.
    pub cold: bool,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvokeError {
    /// No function has this name.
    #[error("there is no function {0}")]
    Unknown(String),
    /// There is no program of it so far.
    #[error("{0} is not built yet")]
    NotBuilt(String),
    /// The function reported an error, in Lambda's words.
    #[error("the function failed: {}", String::from_utf8_lossy(.0))]
    Failed(Bytes),
    /// The process ended under the invocation.
    #[error("its environment died: {0}")]
    Died(String),
    /// It took longer than this, its limit.
    #[error("it took longer than {0:?}, and its environment was killed")]
    TimedOut(Duration),
    /// The environment ended before it asked for its first event.
    #[error("its environment did not start: {0}")]
    NotStarted(String),
    /// The fleet has ended.
    #[error("the fleet has ended")]
    Ended,
}

/// Where an invocation's outcome goes. Nobody waits there once the invoker has lost interest.
pub(super) type Outcome = oneshot::Sender<Result<Answer, InvokeError>>;

/// An invocation that no environment has begun yet.
pub(super) struct Invocation {
    pub(super) event: Bytes,
    pub(super) request_id: String,
    pub(super) trace_id: String,
    pub(super) outcome: Outcome,
}

impl Invocation {
    pub(super) fn new(event: Bytes, outcome: Outcome) -> Self {
        Self { event, request_id: Uuid::now_v7().to_string(), trace_id: trace_id(), outcome }
    }
}

/// In X-Ray's form: version, seconds since 1970, 96 random bits; then the segment, and that it is not sampled.
fn trace_id() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (high, low, parent) = (fastrand::u32(..), fastrand::u64(..), fastrand::u64(..));
    format!("Root=1-{seconds:08x}-{high:08x}{low:016x};Parent={parent:016x};Sampled=0")
}

/// Milliseconds since 1970 at which `limit` from now will have passed, as the deadline header has it.
pub(super) fn deadline_ms(limit: Duration) -> u128 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (now + limit).as_millis()
}
