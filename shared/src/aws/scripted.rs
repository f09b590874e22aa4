//! A server for tests that says what it is told to.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

/// Answers one request after the other with these texts, and ends each connection with its text; its address.
pub(super) fn answering(texts: &[&'static str]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let texts = texts.to_vec();
    thread::spawn(move || {
        for text in texts {
            let (mut stream, _) = listener.accept().expect("a request");
            assert_ne!(stream.read(&mut [0; 4096]).expect("its head"), 0);
            stream.write_all(text.as_bytes()).expect("somebody listens");
        }
    });
    format!("http://{address}")
}
