use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::{Barrier, Notify};
use tokio::task::yield_now;
use tokio::time::timeout;

use super::*;

const TRACE: &str = "_X_AMZN_TRACE_ID";
/// What hangs fails.
const AMPLE: Duration = Duration::from_secs(10);

/// What a double of the Runtime API was sent: its path, header lines and body.
#[derive(Debug)]
struct Sent {
    path: String,
    headers: BTreeMap<String, String>,
    body: String,
}

/// Answers one request for each of `answers`, all of one inner list on one connection, which it then closes; what it
/// was sent.
async fn double(listener: TcpListener, answers: &[&[String]]) -> Vec<Sent> {
    let mut sent = Vec::new();
    for answers in answers {
        let (stream, _) = listener.accept().await.expect("a connection");
        let mut stream = BufReader::new(stream);
        for answer in *answers {
            sent.push(request(&mut stream).await);
            stream.write_all(answer.as_bytes()).await.expect("somebody listens");
        }
    }
    sent
}

async fn request(stream: &mut BufReader<TcpStream>) -> Sent {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        assert_ne!(stream.read_line(&mut line).await.expect("a line"), 0, "it ended after {lines:?}");
        if line == "\r\n" {
            break;
        }
        lines.push(line.trim_end().to_owned());
    }
    let header =
        |line: &String| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
    let headers: BTreeMap<_, _> = lines.iter().filter_map(header).collect();
    let length = headers.get("content-length").map_or(0, |length| length.parse().expect("a length"));
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.expect("a body");
    Sent { path: lines[0].clone(), headers, body: String::from_utf8(body).expect("text") }
}

fn answer(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn event(id: &str, body: &str) -> String {
    let head = format!(
        "200 OK\r\n{REQUEST_ID}: {id}\r\n{DEADLINE}: 7\r\nlambda-runtime-trace-id: Root=1-{id}\r\n{INVOCATION_ID}: {id}-1"
    );
    answer(&head, body)
}

fn taken() -> String {
    answer("202 Accepted", "{\"status\":\"OK\"}")
}

/// What came of these answers, the last of which ends the environment: what was sent, and why it ended.
async fn served(answers: &[&[String]], work: &Work) -> (Vec<Sent>, String) {
    served_at(|address| address, 1, answers, work).await
}

async fn served_at(
    as_told: impl FnOnce(String) -> String,
    at_a_time: usize,
    answers: &[&[String]],
    work: &Work,
) -> (Vec<Sent>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = as_told(listener.local_addr().expect("an address").to_string());
    let serving = serve_at(&address, "", at_a_time, work);
    let both = async { tokio::join!(double(listener, answers), serving) };
    let (sent, ended) = timeout(AMPLE, both).await.expect("both end");
    (sent, ended.expect_err("it ends when nobody answers any more").to_string())
}

#[derive(Deserialize)]
struct Number {
    number: u32,
}

/// Doubles a number; does not know seven.
fn doubling() -> Work {
    working(|Number { number }: Number, context: Context| async move {
        assert_ne!(number, 7, "the worst number");
        match number {
            0 => Err(failure("NotPositive", "it is 0")),
            _ => Ok(
                json!({ "doubled": 2 * number, "trace": context.xray_trace_id, "deadline": context.deadline }),
            ),
        }
    })
}

fn gone() -> String {
    answer("500 Internal Server Error", "")
}

#[tokio::test]
async fn invocations_are_answered_one_after_the_other_over_one_connection() {
    let answers = [event("a", "{\"number\":4}"), taken(), event("b", "{\"number\":5}"), taken(), gone()];
    let (sent, ended) = served(&[&answers], &doubling()).await;
    let paths: Vec<_> = sent.iter().map(|sent| &*sent.path).collect();
    let next = "GET /2018-06-01/runtime/invocation/next HTTP/1.1";
    let (a, b) = ("POST /2018-06-01/runtime/invocation/a/response HTTP/1.1", "/b/response");
    assert_eq!((paths[0], paths[1], paths[2], paths[4]), (next, a, next, next));
    assert!(paths[3].contains(b), "{paths:?}");
    let told: Value = serde_json::from_str(&sent[1].body).expect("JSON");
    assert_eq!(told, json!({ "doubled": 8, "trace": "Root=1-a", "deadline": 7 }));
    assert_eq!(sent[1].headers["lambda-runtime-invocation-id"], "a-1");
    assert_eq!(ended, "no invocation: the Runtime API answered 500 Internal Server Error");
}

#[tokio::test]
async fn the_environment_variables_stay_as_they_were() {
    let answers = [event("a", "{\"number\":4}"), taken(), gone()];
    served(&[&answers], &doubling()).await;
    assert_eq!(env::var_os(TRACE), None, "each value of a variable is kept for ever");
}

#[tokio::test]
async fn what_fails_is_told_as_failed_and_the_next_is_served() {
    let answers = [
        event("a", "{\"number\":\"four\"}"),
        taken(),
        event("b", "{\"number\":0}"),
        taken(),
        event("c", "{\"number\":7}"),
        taken(),
        event("d", "{\"number\":1} and more"),
        taken(),
        event("e", "{\"number\":1}"),
        taken(),
        gone(),
    ];
    let (sent, _) = served(&[&answers], &doubling()).await;
    let failures: Vec<_> = sent.iter().filter(|sent| sent.path.contains("/error ")).collect();
    let told = |sent: &&Sent| serde_json::from_str::<Value>(&sent.body).expect("JSON");
    let kinds: Vec<_> = failures.iter().map(told).map(|told| told["errorType"].clone()).collect();
    assert_eq!(kinds, ["EventNotUnderstood", "NotPositive", "Panic", "EventNotUnderstood"]);
    assert!(failures[0].body.contains("number: invalid type: string"), "{failures:?}");
    assert!(failures[2].body.contains("the worst number"), "{failures:?}");
    assert!(failures[3].body.contains("more follows after its end"), "{failures:?}");
    assert!(failures.iter().all(|sent| sent.headers["lambda-runtime-function-error-type"] == "Unhandled"));
    assert!(sent[9].path.contains("/e/response"), "{sent:?}");
}

#[tokio::test]
async fn an_answer_goes_over_another_connection_where_the_first_was_closed_meanwhile() {
    let (begun, closed) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let both = (Arc::clone(&begun), Arc::clone(&closed));
    let work = working(move |_: Value, _| {
        let (begun, closed) = both.clone();
        async move {
            begun.notify_one();
            closed.notified().await;
            // More turns than tokio takes between two looks at its sockets.
            for _ in 0..200 {
                yield_now().await;
            }
            Ok(7)
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let double = async {
        let mut first = BufReader::new(listener.accept().await.expect("a connection").0);
        request(&mut first).await;
        first.write_all(event("a", "{}").as_bytes()).await.expect("somebody listens");
        begun.notified().await;
        drop(first);
        closed.notify_one();
        double(listener, &[&[taken(), gone()]]).await
    };
    let both = async { tokio::join!(double, serve_at(&address, "", 1, &work)) };
    let (sent, _) = timeout(AMPLE, both).await.expect("both end");
    assert!(sent[0].path.contains("/a/response") && sent[0].body == "7", "{sent:?}");
}

#[tokio::test]
async fn a_connection_that_lambda_closes_with_its_answer_is_made_again() {
    let closing = answer("202 Accepted\r\nconnection: close", "");
    let (first, second) = ([event("a", "{\"number\":4}"), closing], [gone()]);
    let (sent, _) = served(&[&first, &second], &doubling()).await;
    assert_eq!(sent.len(), 3);
}

#[tokio::test]
async fn a_connection_that_was_closed_before_its_first_request_keeps_nobody_waiting() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let stream = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("a connection");
    drop(listener.accept().await.expect("a connection"));
    stream.readable().await.expect("its end");
    let open = handshake(TokioIo::new(stream)).await.expect("nothing is sent yet");
    let request = Request::get("/").body(Full::default()).expect("a request");
    let (answered, open) = timeout(AMPLE, exchange(open, request)).await.expect("it does not hang");
    assert!(answered.is_err() && open.is_none());
}

#[tokio::test]
async fn one_that_has_lost_its_connection_leaves_the_others_to_their_work() {
    let (first, second) = ([gone()], [event("a", "{\"number\":4}"), taken(), gone()]);
    let (sent, _) = served_at(|address| address, 2, &[&first, &second], &doubling()).await;
    assert!(sent[2].path.contains("/a/response"), "{sent:?}");
}

#[tokio::test]
async fn an_answer_that_came_too_late_ends_nothing() {
    let answers = [event("a", "{\"number\":4}"), answer("410 Gone", "{}"), gone()];
    let (sent, _) = served(&[&answers], &doubling()).await;
    assert_eq!(sent.len(), 3);
}

#[tokio::test]
async fn an_environment_that_lambda_gives_up_ends() {
    let answers = [event("a", "{\"number\":4}"), gone()];
    let (_, ended) = served(&[&answers], &doubling()).await;
    assert_eq!(ended, "the Runtime API has given this environment up");
}

#[tokio::test]
async fn an_emulator_s_address_may_have_a_path_and_nothing_to_do_yet() {
    let answers = [answer("204 No Content", ""), gone()];
    let (sent, _) =
        served_at(|address| format!("http://{address}/.rt/get-product/"), 1, &[&answers], &doubling()).await;
    let paths: Vec<_> = sent.iter().map(|sent| &*sent.path).collect();
    assert_eq!(paths, ["GET /.rt/get-product/2018-06-01/runtime/invocation/next HTTP/1.1"; 2]);
}

#[tokio::test]
async fn an_invocation_needs_an_id_and_nothing_else() {
    let bare = answer(&format!("200 OK\r\n{REQUEST_ID}: a\r\n{DEADLINE}: soon"), "{\"number\":4}");
    let without = answer("200 OK", "{\"number\":4}");
    let (sent, ended) = served(&[&[bare, taken(), without]], &doubling()).await;
    let told: Value = serde_json::from_str(&sent[1].body).expect("JSON");
    assert_eq!(told, json!({ "doubled": 8, "trace": null, "deadline": 0 }));
    assert_eq!(ended, "an invocation has no id");
}

#[tokio::test]
async fn as_many_are_served_at_a_time_as_lambda_gives() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    // Nobody goes on before both have begun.
    let (both, served) = (Arc::new(Barrier::new(2)), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&served);
    let work = working(move |_: Value, _| {
        let (both, count) = (Arc::clone(&both), Arc::clone(&count));
        async move {
            both.wait().await;
            count.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
    });
    let double = async {
        let (first, second) = (listener.accept().await, listener.accept().await);
        let streams = [first, second].map(|accepted| BufReader::new(accepted.expect("a connection").0));
        let ids = Mutex::new(vec!["a", "b"]);
        join_all(streams.map(async |mut stream| {
            request(&mut stream).await;
            let id = ids.lock().expect("whole").pop().expect("one for each");
            stream.write_all(event(id, "{}").as_bytes()).await.expect("somebody listens");
            request(&mut stream).await
        }))
        .await
    };
    let both = async { tokio::join!(double, serve_at(&address, "", 2, &work)) };
    let (answered, _) = timeout(AMPLE, both).await.expect("both end");
    assert_eq!((answered.len(), served.load(Ordering::Relaxed)), (2, 2));
}
