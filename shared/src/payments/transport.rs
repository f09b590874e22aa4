//! Sending a call: within its deadline, and a second time where that is safe and likely to help.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, Method, header};
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;

use super::answer::{Answer, Told};
use super::{NeverSent, Outcome, Reply, Unknown};
use crate::outgoing::Pool;
use crate::outgoing::{self, innermost};

/// The ceiling on a whole call, second try included, whatever the deadline says.
const CEILING: Duration = Duration::from_secs(5);

/// The longest that we wait because an answer asks for it. An order that is put off for longer would be looked at by
/// nobody meanwhile.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// A `PaymentIntent` takes some 3 kB, and a page of a list holds a hundred; more than three times that is not Stripe.
const LARGEST_BODY: usize = 1024 * 1024;

/// One call. Sending it twice does no more than sending it once: it has an idempotency key, or only reads, or
/// cancels.
pub(super) struct Call<'a> {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) key: Option<String>,
    pub(super) form: Vec<(&'a str, String)>,
}

/// How one try ended.
enum Try {
    NeverSent(NeverSent),
    Lost(Unknown),
    Answered(Answer),
}

impl Try {
    fn may_have_acted(&self) -> bool {
        match self {
            Self::NeverSent(_) => false,
            Self::Lost(_) => true,
            Self::Answered(answer) => answer.leaves_it_open(),
        }
    }

    /// Says for certain that this try, taken alone, did nothing.
    fn did_nothing(&self) -> bool {
        match self {
            Self::NeverSent(_) => true,
            Self::Lost(_) => false,
            Self::Answered(answer) => answer.status == http::StatusCode::TOO_MANY_REQUESTS,
        }
    }

    /// How long to wait before another try, where one is worth it.
    fn pause(&self) -> Option<Duration> {
        match self {
            // Mostly a kept connection that the provider had closed: a new one, at once.
            Self::Lost(Unknown::Dropped) => Some(Duration::ZERO),
            Self::Answered(answer) if answer.should_retry || answer.is_locked_out() => {
                Some(Duration::from_millis(fastrand::u64(100..300)))
            }
            _ => None,
        }
    }
}

/// Makes the call, and makes it once more if the connection broke or the provider asks for it
/// (`Stripe-Should-Retry`), or another request held the intent.
pub(super) async fn send<T: Told>(pool: &Pool, call: Call<'_>, deadline: Instant) -> Reply<T> {
    let begin = Instant::now();
    let deadline = end(begin, deadline);
    let mut result = attempt(pool, &call, deadline).await;
    if let Some(pause) = result.pause().filter(|pause| Instant::now() + *pause < deadline) {
        sleep(pause).await;
        let second = attempt(pool, &call, deadline).await;
        // "Refused" the second time does not undo what the first may have done.
        if !(result.may_have_acted() && second.did_nothing()) {
            result = second;
        }
    }
    reply(result, begin.elapsed())
}

/// When a call that begins then is over.
fn end(begin: Instant, deadline: Instant) -> Instant {
    deadline.min(begin + CEILING)
}

fn reply<T: Told>(result: Try, took: Duration) -> Reply<T> {
    let outcome = match result {
        Try::Answered(answer) => {
            let outcome = answer.outcome();
            return Reply { outcome, replayed: answer.replayed, request_id: answer.request_id, took };
        }
        Try::NeverSent(reason) => Outcome::NeverSent(reason),
        Try::Lost(reason) => Outcome::Unknown(reason),
    };
    Reply { outcome, replayed: false, request_id: None, took }
}

async fn attempt(pool: &Pool, call: &Call<'_>, deadline: Instant) -> Try {
    if Instant::now() >= deadline {
        return Try::NeverSent(NeverSent::NoTimeLeft);
    }
    let client = match pool.client(SystemTime::now()) {
        Ok(client) => client,
        Err(error) => return Try::NeverSent(NeverSent::Connect(innermost(&error))),
    };
    match timeout_at(deadline, exchange(&client, call)).await {
        Ok(Ok(Some(answer))) => Try::Answered(answer),
        Ok(Ok(None)) => Try::Lost(Unknown::Unreadable),
        Ok(Err(error)) if error.is_connect() || error.is_builder() => {
            Try::NeverSent(NeverSent::Connect(innermost(&error)))
        }
        Ok(Err(_)) => {
            pool.renew();
            Try::Lost(Unknown::Dropped)
        }
        Err(_elapsed) => Try::Lost(Unknown::TimedOut),
    }
}

/// `None`: the answer is too long to be the provider's.
async fn exchange(client: &reqwest::Client, call: &Call<'_>) -> reqwest::Result<Option<Answer>> {
    let mut request = client.request(call.method.clone(), call.url.clone());
    if let Some(key) = &call.key {
        request = request.header("idempotency-key", key);
    }
    if call.method == Method::POST {
        request = request.form(&call.form);
    }
    let response = request.send().await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let Some(body) = outgoing::body(response, LARGEST_BODY).await? else { return Ok(None) };
    let text = |name| text(&headers, name);
    Ok(Some(Answer {
        status,
        retry_after: text(header::RETRY_AFTER.as_str())
            .and_then(|s| s.parse().ok())
            .map(|seconds| Duration::from_secs(seconds).min(LONGEST_WAIT)),
        limited_by: text("stripe-rate-limited-reason").map(str::to_owned),
        should_retry: text("stripe-should-retry") == Some("true"),
        replayed: text("idempotent-replayed") == Some("true"),
        request_id: text("request-id").map(str::to_owned),
        body,
    }))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests;
