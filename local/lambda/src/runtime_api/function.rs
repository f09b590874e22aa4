//! A function: invocations that wait, environments that wait, and how they come together.

use std::collections::VecDeque;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use bytes::Bytes;
use nix::sys::signal::Signal;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use crate::aws::{AWS_ACCOUNT, AWS_REGION};

use super::environment::{Environment, INIT_LIMIT, Left, describe};
use super::environments::Environments;
use super::invocation::{Answer, Invocation, InvokeError};
use super::settings::FunctionSettings;
use super::version::Version;

/// The most bytes of an event, and of an answer, as Lambda counts them.
pub const MOST_BYTES: usize = 6_291_556;

/// Where a function's environments live.
pub(super) struct Place {
    /// `http://127.0.0.1:PORT` of the Runtime API.
    pub(super) address: String,
    /// The process group they join.
    pub(super) group: i32,
    pub(super) environments: Arc<Environments>,
}

/// See the module.
pub(super) struct Function {
    name: String,
    settings: FunctionSettings,
    variables: Vec<(String, String)>,
    place: Place,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Invocations that no environment has taken, the oldest first.
    waiting: VecDeque<Invocation>,
    /// Who asks for an invocation. The last to come is the first to go, as on Lambda: few stay warm.
    idle: Vec<oneshot::Sender<Invocation>>,
    /// How many invocations will be asked for soon, by environments that are starting or have just answered.
    expected: usize,
    /// All environments.
    alive: usize,
    /// The build that was there when last looked.
    version: Option<Version>,
    closed: bool,
}

impl Function {
    pub(super) fn new(
        name: String,
        settings: FunctionSettings,
        common: &[(String, String)],
        place: Place,
    ) -> Arc<Self> {
        let variables = variables(&name, &settings, common);
        Arc::new(Self { name, settings, variables, place, state: Mutex::default() })
    }

    pub(super) fn settings(&self) -> &FunctionSettings {
        &self.settings
    }

    /// Its name on AWS, were it there.
    pub(super) fn arn(&self) -> String {
        format!("arn:aws:lambda:{AWS_REGION}:{AWS_ACCOUNT}:function:{}", self.name)
    }

    /// Gives the event to an environment, a new one if none is idle and one more is allowed.
    pub(super) async fn invoke(self: &Arc<Self>, event: Bytes) -> Result<Answer, InvokeError> {
        let (outcome, answer) = oneshot::channel();
        self.submit(Invocation::new(event, outcome));
        let lost = || InvokeError::Died("it ended before it had read the event".to_owned());
        answer.await.unwrap_or_else(|_| Err(lost()))
    }

    fn submit(self: &Arc<Self>, mut invocation: Invocation) {
        let mut state = self.lock();
        if state.closed {
            drop(invocation.outcome.send(Err(InvokeError::Ended)));
            return;
        }
        if !self.is_built(&mut state) {
            drop(invocation.outcome.send(Err(InvokeError::NotBuilt(self.name.clone()))));
            return;
        }
        while let Some(environment) = state.idle.pop() {
            // One that died while it was idle hands the invocation back.
            match environment.send(invocation) {
                Ok(()) => return,
                Err(back) => invocation = back,
            }
        }
        state.waiting.push_back(invocation);
        drop(state);
        self.grow();
    }

    /// Looks at the program: whoever waits with another than is there now will be given nothing.
    fn is_built(&self, state: &mut State) -> bool {
        let Some(program) = &self.settings.program else { return true };
        let now = Version::of(program);
        // One that is gone for a moment is being replaced.
        if now.is_some() && now != state.version {
            state.version = now;
            state.idle.clear();
        }
        state.version.is_some()
    }

    /// The next invocation for an environment that asks for one. Where there will be none it ends here.
    pub(super) async fn next(&self, environment: &Environment) -> Option<Invocation> {
        let next = self.wait_for_next(environment).await;
        if next.is_none() {
            // Not before what it has under way has ended, behind which it asks once more.
            if environment.is_busy() {
                std::future::pending::<()>().await;
            }
            environment.signal(Signal::SIGKILL);
        }
        next
    }

    async fn wait_for_next(&self, environment: &Environment) -> Option<Invocation> {
        let invocation = {
            let mut state = self.lock();
            if environment.asks() {
                state.expected -= 1;
            }
            if environment.version != state.version {
                return None;
            }
            // Those whose invoker has lost interest are left out.
            while state.waiting.front().is_some_and(|invocation| invocation.outcome.is_closed()) {
                state.waiting.pop_front();
            }
            match state.waiting.pop_front() {
                Some(invocation) => return Some(invocation),
                None => {
                    let (sender, receiver) = oneshot::channel();
                    state.idle.push(sender);
                    receiver
                }
            }
        };
        invocation.await.ok()
    }

    /// What an environment answers to its invocation. Tells whether it has one with this id.
    pub(super) fn answered(&self, environment: &Environment, id: &str, answer: Result<Bytes, Bytes>) -> bool {
        let (outcome, cold) = {
            let mut state = self.lock();
            let Some(answered) = environment.answers(id) else { return false };
            // Before the invoker hears: its next invocation is for this environment, not for a new one.
            state.expected += 1;
            answered
        };
        let (request_id, environment) = (id.to_owned(), environment.id);
        let answer =
            answer.and_then(|body| if body.len() > MOST_BYTES { Err(too_large(&body)) } else { Ok(body) });
        let answer = answer.map(|body| Answer { body, request_id, environment, cold });
        outcome.send(answer.map_err(InvokeError::Failed)).ok();
        true
    }

    /// Refuses what comes from now on, and what waits.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.idle.clear();
        for invocation in state.waiting.drain(..) {
            invocation.outcome.send(Err(InvokeError::Ended)).ok();
        }
    }

    /// Starts as many environments as there are invocations for which none is on its way.
    fn grow(self: &Arc<Self>) {
        loop {
            let version = {
                let mut state = self.lock();
                let needed = state.waiting.len() > state.expected;
                if !needed || state.closed || state.alive >= self.settings.environments {
                    return;
                }
                state.expected += self.settings.at_a_time;
                state.alive += 1;
                state.version
            };
            let environment = self.place.environments.add(&self.name, version, self.settings.at_a_time);
            match self.start(environment.id) {
                Ok(process) => {
                    environment.has_started(process.id().and_then(|pid| pid.try_into().ok()));
                    tokio::spawn(Arc::clone(self).watch(environment, process));
                }
                Err(error) => self.lost(&environment, &format!("{error:#}")),
            }
        }
    }

    fn start(&self, id: u64) -> Result<Child> {
        let (program, arguments) = self.settings.command.split_first().context("it has no command")?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .env("AWS_LAMBDA_RUNTIME_API", format!("{}/{id}", self.place.address))
            .env("AWS_LAMBDA_LOG_STREAM_NAME", id.to_string())
            .process_group(self.place.group)
            .stdin(Stdio::null())
            .stdout(self.settings.log.try_clone()?)
            .stderr(self.settings.log.try_clone()?)
            .kill_on_drop(true);
        command.spawn().with_context(|| format!("cannot run {program}"))
    }

    /// Waits for the end of a process, or brings it about when its time is up.
    async fn watch(self: Arc<Self>, environment: Arc<Environment>, mut process: Child) {
        let limit = self.settings.time_limit;
        let status = loop {
            // Nothing that begins from now on is over before this, so nobody has to tell of a beginning.
            let rest = Instant::now() + limit.min(INIT_LIMIT);
            let deadline = environment.deadline();
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                environment.times_out(limit);
                break process.wait().await;
            }
            tokio::select! {
                status = process.wait() => break status,
                () = sleep_until(deadline.map_or(rest, |deadline| deadline.min(rest))) => {}
            }
        };
        self.lost(&environment, &describe(&status));
        self.grow();
    }

    /// An environment has ended. One that never asked for an invocation fails the oldest that waits: otherwise a
    /// function that cannot start would be started for ever.
    fn lost(&self, environment: &Environment, status: &str) {
        let mut state = self.lock();
        let Left { while_starting, coming } = environment.is_gone(status);
        self.place.environments.remove(environment.id);
        state.alive -= 1;
        state.expected -= coming;
        if while_starting && let Some(invocation) = state.waiting.pop_front() {
            let reason = environment.last_words(status);
            invocation.outcome.send(Err(InvokeError::NotStarted(reason))).ok();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that holds it can panic halfway through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What Lambda sets, and what the settings say. PATH is for a program that is put before the function.
fn variables(name: &str, settings: &FunctionSettings, common: &[(String, String)]) -> Vec<(String, String)> {
    let lambda = [
        ("AWS_LAMBDA_FUNCTION_NAME", name.to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", settings.memory_mb.to_string()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}")),
        ("PATH", std::env::var("PATH").unwrap_or_default()),
    ];
    let several =
        (settings.at_a_time > 1).then(|| ("AWS_LAMBDA_MAX_CONCURRENCY", settings.at_a_time.to_string()));
    let lambda = lambda.into_iter().chain(several).map(|(name, value)| (name.to_owned(), value));
    lambda.chain(common.iter().cloned()).collect()
}

/// What Lambda says in place of an answer that is longer than it takes.
fn too_large(answer: &Bytes) -> Bytes {
    let message = format!(
        "Response payload size ({} bytes) exceeded maximum allowed payload size ({MOST_BYTES} bytes).",
        answer.len()
    );
    serde_json::json!({ "errorType": "Function.ResponseSizeTooLarge", "errorMessage": message })
        .to_string()
        .into()
}
