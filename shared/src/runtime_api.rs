//! Lambda's Runtime API: asks for invocations and answers them, one after the other over one connection.
//!
//! `lambda_runtime` has such a loop too, and what is read of an invocation is taken from it ([`Context`]). But it sets
//! the environment variable `_X_AMZN_TRACE_ID` for each invocation, and the C library keeps every value that a variable
//! ever had: an environment grew by some 150 bytes with each request, for as long as it lived
//! (findings/lambda-runtime-grows-by-each-trace-id.sh).
//!
//! The protocol: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::env;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{Connection, SendRequest, handshake};
use hyper_util::rt::TokioIo;
use lambda_runtime::{Config, Context, Diagnostic};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::caught::caught;
use crate::config;
use crate::outgoing::{USER_AGENT, innermost, over};

/// Why a function could not start, or cannot go on.
pub type Fatal = lambda_runtime::Error;

const REQUEST_ID: &str = "lambda-runtime-aws-request-id";
const DEADLINE: &str = "lambda-runtime-deadline-ms";
const TRACE_ID: &str = "lambda-runtime-trace-id";
/// Tells two tries of one request apart, where Lambda sends it.
const INVOCATION_ID: HeaderName = HeaderName::from_static("lambda-runtime-invocation-id");
const ERROR_TYPE: HeaderName = HeaderName::from_static("lambda-runtime-function-error-type");

/// How an invocation ended: JSON for whoever invoked, or why it failed.
type Ended = Result<Vec<u8>, Diagnostic>;

/// Boxed, so that what serves it is compiled once, with this crate, and not again in each function.
type Work = Arc<dyn Fn(&[u8], Context) -> BoxFuture<'static, Ended> + Send + Sync>;

/// Does `work` for each invocation until the environment ends: one at a time on ordinary Lambda, and on Managed
/// Instances as many as Lambda says (`AWS_LAMBDA_MAX_CONCURRENCY`). An event that is none, and a panic, fail their own
/// invocation, and are logged; what `work` itself answers as failed it has to log.
///
/// # Errors
/// Without Lambda, or when it does not answer as it should. It then starts the next environment.
pub async fn serve<E, R, F>(work: impl Fn(E, Context) -> F + Send + Sync + 'static) -> Result<(), Fatal>
where
    E: DeserializeOwned,
    R: Serialize,
    F: Future<Output = Result<R, Diagnostic>> + Send + 'static,
{
    let at_a_time = config::at_a_time()?;
    let address = env::var("AWS_LAMBDA_RUNTIME_API").map_err(|_| {
        "AWS_LAMBDA_RUNTIME_API is not set: Lambda starts this program, or `./dev up`, or `cargo lambda watch`"
    })?;
    let function_name = env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default();
    serve_at(&address, &function_name, at_a_time, &working(work)).await
}

fn working<E, R, F>(work: impl Fn(E, Context) -> F + Send + Sync + 'static) -> Work
where
    E: DeserializeOwned,
    R: Serialize,
    F: Future<Output = Result<R, Diagnostic>> + Send + 'static,
{
    Arc::new(move |event, context| {
        let work = read(event).map(|event| work(event, context));
        Box::pin(async move { written(&work?.await?) })
    })
}

/// Read twice if it is not understood: where in it that was costs a third of reading it. The log gets no more than that
/// place, because the reason quotes what stands there.
fn read<E: DeserializeOwned>(event: &[u8]) -> Result<E, Diagnostic> {
    serde_json::from_slice(event).map_err(|_| {
        let mut again = serde_json::Deserializer::from_slice(event);
        let (place, why) = match serde_path_to_error::deserialize::<_, E>(&mut again) {
            Err(error) => (error.path().to_string(), error.to_string()),
            Ok(_) => (".".to_owned(), "more follows after its end".to_owned()),
        };
        tracing::error!(place, "the event is none of this function's, at {place}");
        failure("EventNotUnderstood", &why)
    })
}

fn written(answer: &impl Serialize) -> Ended {
    serde_json::to_vec(answer).map_err(|error| {
        tracing::error!(cause = %error, "the answer cannot be written: {error}");
        failure("AnswerNotWritten", &error.to_string())
    })
}

fn failure(kind: &str, why: &str) -> Diagnostic {
    Diagnostic { error_type: kind.to_owned(), error_message: why.to_owned() }
}

async fn serve_at(address: &str, function_name: &str, at_a_time: usize, work: &Work) -> Result<(), Fatal> {
    // As tasks: whatever wakes the future that `main` blocks on makes two system calls, and a task none.
    let mut loops = JoinSet::new();
    for _ in 0..at_a_time {
        loops.spawn(serve_one_at_a_time(RuntimeApi::new(address, function_name), Arc::clone(work)));
    }
    let mut why = None;
    // Where one has lost its connection, the others still have invocations to answer.
    while let Some(ended) = loops.join_next().await {
        let Err(error) = ended?;
        why = Some(error);
    }
    why.map_or(Ok(()), Err)
}

async fn serve_one_at_a_time(mut api: RuntimeApi, work: Work) -> Result<Infallible, Fatal> {
    loop {
        let Invocation { context, event, id } = api.next().await?;
        let request_id = context.request_id.clone();
        let ended = caught(async { Ok(work(&event, context).await) }).await;
        let ended = ended.unwrap_or_else(|panic| {
            let cause = panic.cause().unwrap_or_default();
            tracing::error!(request_id, cause, "panicked: {cause}");
            Err(failure("Panic", &cause))
        });
        api.end(&request_id, id, ended).await?;
    }
}

struct Invocation {
    context: Context,
    event: Bytes,
    id: Option<HeaderValue>,
}

/// The Runtime API, asked over one connection.
struct RuntimeApi {
    host: String,
    /// Stands before each path: local ones serve several functions on one port.
    prefix: String,
    /// Of an invocation about which nothing is known.
    blank: Context,
    open: Option<Open>,
}

type Ask = Request<Full<Bytes>>;
type Open = (SendRequest<Full<Bytes>>, Connection<TokioIo<TcpStream>, Full<Bytes>>);

impl RuntimeApi {
    fn new(address: &str, function_name: &str) -> Self {
        // Lambda's is `HOST:PORT` alone, an emulator's is an address.
        let address = address.strip_prefix("http://").unwrap_or(address);
        let host_ends = address.find('/').unwrap_or(address.len());
        let (host, prefix) = address.split_at(host_ends);
        let mut blank = Context::default();
        blank.env_config = Arc::new(Config { function_name: function_name.to_owned(), ..Config::default() });
        Self { host: host.to_owned(), prefix: prefix.trim_end_matches('/').to_owned(), blank, open: None }
    }

    /// Waits for the next invocation, however long that takes.
    async fn next(&mut self) -> Result<Invocation, Fatal> {
        loop {
            let asked = self.ask(self.request("GET", "next").body(Full::default())?).await;
            let (head, event) = asked.map_err(|error| format!("no invocation: {error}"))?;
            match head.status {
                StatusCode::OK => return self.invocation(&head.headers, event),
                // cargo-lambda's emulator has none yet.
                StatusCode::NO_CONTENT => {}
                status => return Err(format!("no invocation: the Runtime API answered {status}").into()),
            }
        }
    }

    fn invocation(&self, headers: &HeaderMap, event: Bytes) -> Result<Invocation, Fatal> {
        let text = |name| Some(headers.get(name)?.to_str().ok()?.to_owned());
        let mut context = self.blank.clone();
        context.request_id = text(REQUEST_ID).ok_or("an invocation has no id")?;
        // None is as good as one of long ago: both are not believed.
        context.deadline = text(DEADLINE).and_then(|deadline| deadline.parse().ok()).unwrap_or_default();
        context.xray_trace_id = text(TRACE_ID);
        Ok(Invocation { context, event, id: headers.get(INVOCATION_ID).cloned() })
    }

    async fn end(&mut self, request_id: &str, id: Option<HeaderValue>, ended: Ended) -> Result<(), Fatal> {
        let (path, body) = match ended {
            Ok(answer) => ("response", answer),
            Err(failure) => ("error", serde_json::to_vec(&failure)?),
        };
        let mut request = self.request("POST", &format!("{request_id}/{path}")).body(Full::from(body))?;
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if path == "error" {
            headers.insert(ERROR_TYPE, HeaderValue::from_static("Unhandled"));
        }
        headers.extend(id.map(|id| (INVOCATION_ID, id)));
        let asked = self.ask(request).await;
        let (head, _) = asked.map_err(|error| format!("the answer of {request_id} was lost: {error}"))?;
        match head.status {
            // Lambda's word for an environment that has to end.
            StatusCode::INTERNAL_SERVER_ERROR => Err("the Runtime API has given this environment up".into()),
            status if status.is_success() => Ok(()),
            status => {
                // Too late, or too large: the caller has been told by Lambda itself.
                tracing::error!(
                    request_id,
                    status = status.as_u16(),
                    "Lambda did not take the answer: {status}"
                );
                Ok(())
            }
        }
    }

    fn request(&self, method: &str, path: &str) -> http::request::Builder {
        let path = format!("{}/2018-06-01/runtime/invocation/{path}", self.prefix);
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &*self.host)
            .header(header::USER_AGENT, USER_AGENT)
    }

    /// Over the connection of before, or over another one if the other end has closed that before anything was sent.
    async fn ask(&mut self, mut request: Ask) -> Result<(Parts, Bytes), Fatal> {
        loop {
            let kept = self.open.take();
            let was_kept = kept.is_some();
            let open = match kept {
                Some(open) => open,
                None => self.connect().await?,
            };
            let (answered, open) = exchange(open, request).await;
            self.open = open;
            match answered {
                Ok(answer) => return Ok(answer),
                Err(Lost::Unsent(unsent)) if was_kept => request = *unsent,
                Err(Lost::Unsent(_)) => return Err(format!("{} closes each connection", self.host).into()),
                Err(Lost::Sent(error)) => return Err(innermost(&error).into()),
            }
        }
    }

    async fn connect(&self) -> Result<Open, Fatal> {
        let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", self.host);
        let stream = TcpStream::connect(&*self.host).await.map_err(|error| failed(&error))?;
        stream.set_nodelay(true)?;
        Ok(handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?)
    }
}

/// A request without an answer.
enum Lost {
    Unsent(Box<Ask>),
    Sent(hyper::Error),
}

/// The answer, and the connection if another request can follow.
async fn exchange(
    (mut sender, connection): Open,
    request: Ask,
) -> (Result<(Parts, Bytes), Lost>, Option<Open>) {
    let (answered, connection) = over(connection, answer(&mut sender, request)).await;
    // One that has answered before it had read all is never ready again.
    let open = connection.filter(|_| sender.is_ready()).map(|connection| (sender, connection));
    (answered, open)
}

async fn answer(sender: &mut SendRequest<Full<Bytes>>, request: Ask) -> Result<(Parts, Bytes), Lost> {
    if sender.ready().await.is_err() {
        return Err(Lost::Unsent(Box::new(request)));
    }
    let answered = sender.try_send_request(request).await;
    let (head, body) = answered
        .map_err(|mut error| match error.take_message() {
            Some(request) => Lost::Unsent(Box::new(request)),
            None => Lost::Sent(error.into_error()),
        })?
        .into_parts();
    Ok((head, body.collect().await.map_err(Lost::Sent)?.to_bytes()))
}
