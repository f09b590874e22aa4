//! A TCP relay that can lose what a connection sends, as a forgotten entry in a NAT table does.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::spawn;

pub(crate) struct Relay {
    port: u16,
    connections: Arc<AtomicUsize>,
    swallowed: Arc<Mutex<usize>>,
}

impl Relay {
    pub(crate) fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("a bound address").port();
        let relay = Self { port, connections: Arc::default(), swallowed: Arc::default() };
        let (connections, swallowed) = (relay.connections.clone(), relay.swallowed.clone());
        spawn(move || {
            for client in listener.incoming().flatten() {
                let number = connections.fetch_add(1, Ordering::SeqCst);
                let server = TcpStream::connect(("127.0.0.1", target)).expect("a running Redis");
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to) = (from.try_clone().expect("a socket"), to.try_clone().expect("a socket"));
                    let swallowed = swallowed.clone();
                    spawn(move || copy(from, to, || number < *swallowed.lock().expect("the number")));
                }
            }
        });
        relay
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// From now on, what is sent over the connections that exist is lost.
    pub(crate) fn swallow(&self) {
        *self.swallowed.lock().expect("the number") = self.connections.load(Ordering::SeqCst);
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, lost: impl Fn() -> bool) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if !lost() && to.write_all(&buffer[..read]).is_err() {
            return;
        }
    }
}
