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
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, Either, select};
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

use crate::caught::words;
use crate::config;
use crate::outgoing::USER_AGENT;

/// Why a function could not start, or cannot go on.
pub type Fatal = lambda_runtime::Error;

const REQUEST_ID: &str = "lambda-runtime-aws-request-id";
const DEADLINE: &str = "lambda-runtime-deadline-ms";
/// Tells two tries of one request apart, where Lambda sends it.
const INVOCATION_ID: HeaderName = HeaderName::from_static("lambda-runtime-invocation-id");
const ERROR_TYPE: HeaderName = HeaderName::from_static("lambda-runtime-function-error-type");

/// How an invocation ended: JSON for whoever invoked, or why it failed.
type Ended = Result<Vec<u8>, Diagnostic>;

/// Boxed, so that what serves it is compiled once, with this crate, and not again in each function.
type Work = Arc<dyn Fn(&[u8], Context) -> BoxFuture<'static, Ended> + Send + Sync>;

/// Does `work` for each invocation until the environment ends: one at a time on ordinary Lambda, and on Managed
/// Instances as many as Lambda says (`AWS_LAMBDA_MAX_CONCURRENCY`). An event that is none, and a panic, fail their own
/// invocation.
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
    let config = Arc::new(Config { function_name, ..Config::default() });
    serve_at(&address, config, at_a_time, &working(work)).await
}

fn working<E, R, F>(work: impl Fn(E, Context) -> F + Send + Sync + 'static) -> Work
where
    E: DeserializeOwned,
    R: Serialize,
    F: Future<Output = Result<R, Diagnostic>> + Send + 'static,
{
    Arc::new(move |event, context| {
        let work = read(event).map(|event| work(event, context));
        Box::pin(async move {
            let answer = work?.await?;
            serde_json::to_vec(&answer).map_err(|error| failure("AnswerNotWritten", &error.to_string()))
        })
    })
}

/// Read twice if it is not understood: where in it that was costs a third of reading it.
fn read<E: DeserializeOwned>(event: &[u8]) -> Result<E, Diagnostic> {
    serde_json::from_slice(event).map_err(|_| {
        let mut again = serde_json::Deserializer::from_slice(event);
        let why = match serde_path_to_error::deserialize::<_, E>(&mut again) {
            Err(error) => error.to_string(),
            Ok(_) => "more follows after its end".to_owned(),
        };
        failure("EventNotUnderstood", &why)
    })
}

fn failure(kind: &str, why: &str) -> Diagnostic {
    Diagnostic { error_type: kind.to_owned(), error_message: why.to_owned() }
}

async fn serve_at(address: &str, config: Arc<Config>, at_a_time: usize, work: &Work) -> Result<(), Fatal> {
    // As tasks: whatever wakes the future that `main` blocks on makes two system calls, and a task none.
    let mut loops = JoinSet::new();
    for _ in 0..at_a_time {
        loops.spawn(serve_one_at_a_time(RuntimeApi::new(address, Arc::clone(&config)), Arc::clone(work)));
    }
    loops.join_next().await.map_or(Ok(()), |ended| ended?.map(|never| match never {}))
}

async fn serve_one_at_a_time(mut api: RuntimeApi, work: Work) -> Result<Infallible, Fatal> {
    loop {
        let Invocation { context, event, id } = api.next().await?;
        let request_id = context.request_id.clone();
        // Safe to go on: what several invocations share is behind locks whose holders leave it whole.
        let ended = AssertUnwindSafe(async { work(&event, context).await }).catch_unwind().await;
        let ended = ended.unwrap_or_else(|panic| Err(failure("Panic", &words(&*panic))));
        api.end(&request_id, id, ended).await?;
    }
}

struct Invocation {
    context: Context,
    event: Bytes,
    id: Option<HeaderValue>,
}

/// One connection to the Runtime API.
struct RuntimeApi {
    host: String,
    /// Stands before each path: local ones serve several functions on one port.
    prefix: String,
    config: Arc<Config>,
    open: Option<Open>,
}

type Open = (SendRequest<Full<Bytes>>, Connection<TokioIo<TcpStream>, Full<Bytes>>);

impl RuntimeApi {
    fn new(address: &str, config: Arc<Config>) -> Self {
        // Lambda's is `HOST:PORT` alone, an emulator's is an address.
        let address = address.strip_prefix("http://").unwrap_or(address);
        let host_ends = address.find('/').unwrap_or(address.len());
        let (host, prefix) = address.split_at(host_ends);
        Self { host: host.to_owned(), prefix: prefix.trim_end_matches('/').to_owned(), config, open: None }
    }

    /// Waits for the next invocation, however long that takes.
    async fn next(&mut self) -> Result<Invocation, Fatal> {
        loop {
            let (head, event) = self.ask(self.request("GET", "next").body(Full::default())?).await?;
            match head.status {
                StatusCode::OK => return self.invocation(&head.headers, event),
                // cargo-lambda's emulator has none yet.
                StatusCode::NO_CONTENT => {}
                status => {
                    return Err(format!("asked for an invocation, the Runtime API answered {status}").into());
                }
            }
        }
    }

    fn invocation(&self, headers: &HeaderMap, event: Bytes) -> Result<Invocation, Fatal> {
        let header = |name| headers.get(name).ok_or_else(|| format!("an invocation has no {name}"));
        header(DEADLINE)?;
        let context = Context::new(header(REQUEST_ID)?.to_str()?, Arc::clone(&self.config), headers)?;
        Ok(Invocation { context, event, id: headers.get(INVOCATION_ID).cloned() })
    }

    async fn end(&mut self, request_id: &str, id: Option<HeaderValue>, ended: Ended) -> Result<(), Fatal> {
        let (path, body) = match &ended {
            Ok(_) => ("response", ended.unwrap_or_default()),
            Err(failure) => ("error", serde_json::to_vec(failure)?),
        };
        let mut request = self.request("POST", &format!("{request_id}/{path}"));
        let headers = request.headers_mut().ok_or("a request without headers")?;
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if path == "error" {
            headers.insert(ERROR_TYPE, HeaderValue::from_static("Unhandled"));
        }
        headers.extend(id.map(|id| (INVOCATION_ID, id)));
        let (head, _) = self.ask(request.body(Full::from(body))?).await?;
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

    async fn ask(&mut self, request: Request<Full<Bytes>>) -> Result<(Parts, Bytes), Fatal> {
        let (mut sender, mut connection) = self.connected().await?;
        let (answered, ended) = exchange(&mut sender, &mut connection, request).await;
        self.open = (!ended).then_some((sender, connection));
        answered
    }

    /// The connection of before, unless the other end has closed it.
    async fn connected(&mut self) -> Result<Open, Fatal> {
        if let Some((mut sender, mut connection)) = self.open.take() {
            let ready = match select(&mut connection, pin!(sender.ready())).await {
                Either::Left(_) => false,
                Either::Right((ready, _)) => ready.is_ok(),
            };
            if ready {
                return Ok((sender, connection));
            }
        }
        let stream = TcpStream::connect(&*self.host).await?;
        stream.set_nodelay(true)?;
        Ok(handshake(TokioIo::new(stream)).await?)
    }
}

/// The answer, and whether the connection has ended with it. Moves the connection's bytes itself: a task of its own
/// would be woken for each, and would wake this one.
async fn exchange(
    sender: &mut SendRequest<Full<Bytes>>,
    connection: &mut Connection<TokioIo<TcpStream>, Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> (Result<(Parts, Bytes), Fatal>, bool) {
    let answer = pin!(async {
        let (head, body) = sender.send_request(request).await?.into_parts();
        Ok((head, body.collect().await?.to_bytes()))
    });
    match select(connection, answer).await {
        Either::Left((_, answer)) => (answer.await, true),
        Either::Right((answered, _)) => (answered, false),
    }
}
