//! A server for tests that says what it is told to.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

/// Answers one request after the other with these texts, and ends each connection with its text; its address.
pub(super) fn answering(texts: &[&'static str]) -> String {
    hearing(texts).0
}

/// The same, and what it was asked.
pub(super) fn hearing(texts: &[&'static str]) -> (String, Receiver<String>) {
    let (heard, requests) = channel();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let texts = texts.to_vec();
    thread::spawn(move || {
        for text in texts {
            let (mut stream, _) = listener.accept().expect("a request");
            let mut request = String::new();
            while !request.contains("\r\n\r\n") {
                let mut more = [0; 4096];
                let length = stream.read(&mut more).expect("its head");
                assert_ne!(length, 0);
                request.push_str(&String::from_utf8_lossy(&more[..length]));
            }
            // Most tests do not ask for it.
            let _ = heard.send(request);
            stream.write_all(text.as_bytes()).expect("somebody listens");
        }
    });
    (format!("http://{address}"), requests)
}
