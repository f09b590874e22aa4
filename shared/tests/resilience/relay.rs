//! A TCP relay that can lose what a connection sends, as a forgotten entry in a NAT table does, or slow it down.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{sleep, spawn};
use std::time::Duration;

pub(crate) struct Relay {
    port: u16,
    connections: Arc<AtomicUsize>,
    swallowed: Arc<Mutex<usize>>,
    delay_ms: Arc<AtomicU64>,
}

impl Relay {
    pub(crate) fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("a bound address").port();
        let relay =
            Self { port, connections: Arc::default(), swallowed: Arc::default(), delay_ms: Arc::default() };
        let (connections, swallowed) = (relay.connections.clone(), relay.swallowed.clone());
        let delay_ms = relay.delay_ms.clone();
        spawn(move || {
            for client in listener.incoming().flatten() {
                let number = connections.fetch_add(1, Ordering::SeqCst);
                let server = TcpStream::connect(("127.0.0.1", target)).expect("a running Redis");
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to) = (from.try_clone().expect("a socket"), to.try_clone().expect("a socket"));
                    let (swallowed, delay_ms) = (swallowed.clone(), delay_ms.clone());
                    spawn(move || {
                        copy(from, to, || {
                            sleep(Duration::from_millis(delay_ms.load(Ordering::SeqCst)));
                            number < *swallowed.lock().expect("the number")
                        });
                    });
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

    /// From now on, what is sent over any connection is lost, as by a firewall that drops packets.
    pub(crate) fn swallow_all(&self) {
        *self.swallowed.lock().expect("the number") = usize::MAX;
    }

    /// From now on, whatever is sent, either way, arrives this much later.
    pub(crate) fn delay(&self, by: Duration) {
        self.delay_ms.store(u64::try_from(by.as_millis()).expect("a short delay"), Ordering::SeqCst);
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
