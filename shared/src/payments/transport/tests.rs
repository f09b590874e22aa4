//! What is kept of broken connections, and what is not waited for.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Barrier};
use std::thread;

use super::*;

fn listener() -> (TcpListener, Url) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = Url::parse(&format!("http://{}/", listener.local_addr().expect("an address"))).expect("a URL");
    (listener, url)
}

/// Two connections that answer one request each, at the same moment so that both must be open, and break under the
/// next. Every later one answers on and on.
fn server() -> Url {
    let (listener, url) = listener();
    thread::spawn(move || {
        let together = Arc::new(Barrier::new(2));
        for (number, mut stream) in listener.incoming().flatten().enumerate() {
            let together = together.clone();
            thread::spawn(move || {
                if number >= 2 {
                    while answer(&mut stream) {}
                } else if request(&mut stream) {
                    together.wait();
                    respond(&mut stream);
                    request(&mut stream);
                }
            });
        }
    });
    url
}

/// Answers one request with this.
fn that_answers(text: String) -> Url {
    let (listener, url) = listener();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a caller");
        request(&mut stream);
        stream.write_all(text.as_bytes())
    });
    url
}

fn answer(stream: &mut TcpStream) -> bool {
    request(stream) && respond(stream)
}

fn request(stream: &mut TcpStream) -> bool {
    stream.read(&mut [0; 4096]).is_ok_and(|length| length > 0)
}

fn respond(stream: &mut TcpStream) -> bool {
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").is_ok()
}

impl Told for serde_json::Value {
    const BY_CARD: bool = true;
}

async fn call(pool: &Pool, url: &Url) -> Outcome<serde_json::Value> {
    call_within(pool, url, CEILING).await
}

async fn call_within(pool: &Pool, url: &Url, limit: Duration) -> Outcome<serde_json::Value> {
    let call = Call { method: Method::GET, url: url.clone(), key: None, form: Vec::new() };
    send(pool, call, Instant::now() + limit).await.outcome
}

#[tokio::test]
async fn it_gets_through_although_every_kept_connection_is_dead() {
    let url = server();
    let pool = Pool::new(HeaderMap::new()).expect("a pool");
    let (one, other) = futures::future::join(call(&pool, &url), call(&pool, &url)).await;
    assert!(matches!((one, other), (Outcome::Answered(_), Outcome::Answered(_))));
    let third = call(&pool, &url).await;
    assert!(matches!(third, Outcome::Answered(_)), "{third:?}");
}

#[tokio::test]
async fn a_call_that_nobody_answers_ends_with_its_deadline_and_after_five_seconds_at_the_latest() {
    let (listener, url) = listener();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a caller");
        request(&mut stream) && request(&mut stream)
    });
    let pool = Pool::new(HeaderMap::new()).expect("a pool");
    let silent = call_within(&pool, &url, Duration::from_millis(50)).await;
    assert_eq!(silent, Outcome::Unknown(Unknown::TimedOut));
    let began = Instant::now();
    for (given, lasts) in [(4, 4), (60, 5)] {
        assert_eq!(end(began, began + Duration::from_secs(given)), began + Duration::from_secs(lasts));
    }
}

#[tokio::test]
async fn nobody_waits_for_years_because_an_answer_asks_for_it() {
    for (asked, waits) in [
        ("7", Some(Duration::from_secs(7))),
        ("18446744073709551615", Some(LONGEST_WAIT)),
        ("99999999999999999999", None),
        ("-1", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", None),
    ] {
        let answer = format!("HTTP/1.1 429 -\r\nretry-after: {asked}\r\ncontent-length: 0\r\n\r\n");
        let url = that_answers(answer);
        let pool = Pool::new(HeaderMap::new()).expect("a pool");
        let limited = call(&pool, &url).await;
        assert_eq!(limited, Outcome::RateLimited { retry_after: waits, reason: None }, "{asked}");
    }
}

#[tokio::test]
async fn a_page_of_a_hundred_intents_is_read_and_what_has_no_end_is_not() {
    for (bytes, is_read) in [(100 * 3_000, true), (LARGEST_BODY + 1, false)] {
        let body = format!("\"{}\"", "x".repeat(bytes - 2));
        let url = that_answers(format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n{body}"));
        let pool = Pool::new(HeaderMap::new()).expect("a pool");
        let answered = call(&pool, &url).await;
        let is_whole = matches!(&answered, Outcome::Answered(text) if text.as_str().is_some());
        assert_eq!(is_whole, is_read, "{bytes}");
    }
}
