//! A TCP relay before a server: what goes through it can be slowed down, held back, cut in the middle, or not let in.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::sleep;

/// What the relay does to all that goes through it.
#[derive(Clone, Copy, Debug, Default)]
struct Orders {
    /// Whatever is sent, either way, arrives this much later.
    delay: Duration,
    /// Nothing arrives.
    held: bool,
    /// Nobody is let in: connections are refused.
    shut: bool,
    /// How often the line was cut. A connection that is older than a cut sends half of what comes next, and ends.
    cuts: usize,
    /// How often everybody was hung up on. A connection that is older ends at once.
    hang_ups: usize,
}

/// One listener before one server, until it is dropped.
pub(super) struct Relay {
    orders: Arc<watch::Sender<Orders>>,
    listening: AbortHandle,
}

impl Relay {
    /// Listens on a port of this machine and hands on to another.
    pub(super) async fn open(port: u16, target: u16) -> io::Result<Self> {
        let orders = Arc::new(watch::Sender::new(Orders::default()));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let listening = tokio::spawn(listen(listener, target, Arc::clone(&orders))).abort_handle();
        Ok(Self { orders, listening })
    }

    /// From now on, whatever is sent, either way, arrives this much later.
    pub(super) fn delay(&self, delay: Duration) {
        self.orders.send_modify(|orders| orders.delay = delay);
    }

    /// Whether what is sent is held back. What was, arrives once it no longer is.
    pub(super) fn hold_back(&self, held: bool) {
        self.orders.send_modify(|orders| orders.held = held);
    }

    /// Each connection that there is breaks in the middle of what is sent next.
    pub(super) fn cut(&self) {
        self.orders.send_modify(|orders| orders.cuts += 1);
    }

    /// Each connection that there is ends now.
    pub(super) fn hang_up(&self) {
        self.orders.send_modify(|orders| orders.hang_ups += 1);
    }

    /// Whether connections are refused, as where nobody listens. Those that there are stay.
    pub(super) fn shut(&self, shut: bool) {
        self.orders.send_modify(|orders| orders.shut = shut);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(listener: TcpListener, target: u16, orders: Arc<watch::Sender<Orders>>) -> io::Result<()> {
    let address = listener.local_addr()?;
    let (mut listener, mut told) = (Some(listener), orders.subscribe());
    loop {
        let open = match listener.take() {
            Some(listener) => listener,
            None => TcpListener::bind(address).await?,
        };
        tokio::select! {
            ended = accept(&open, target, &orders) => return ended,
            _ = told.wait_for(|orders| orders.shut) => drop(open),
        }
        // An error means that nobody gives orders any more.
        if told.wait_for(|orders| !orders.shut).await.is_err() {
            return Ok(());
        }
    }
}

async fn accept(listener: &TcpListener, target: u16, orders: &Arc<watch::Sender<Orders>>) -> io::Result<()> {
    loop {
        let (client, _) = listener.accept().await?;
        let mut told = orders.subscribe();
        let hang_ups = told.borrow().hang_ups;
        tokio::spawn(async move {
            // Where the server is gone, its clients' connections end at once.
            let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else { return };
            let ((from_client, to_client), (from_server, to_server)) =
                (client.into_split(), server.into_split());
            // One of the two has nothing more to say, so neither has: none of these protocols closes by halves.
            tokio::select! {
                () = carry(from_client, to_server, told.clone()) => {}
                () = carry(from_server, to_client, told.clone()) => {}
                _ = told.wait_for(|orders| orders.hang_ups != hang_ups) => {}
            }
        });
    }
}

/// Hands on what comes, as ordered at that time.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut told: watch::Receiver<Orders>) {
    let mut buffer = vec![0; 4096];
    let cuts = told.borrow().cuts;
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let delay = told.borrow().delay;
        if !delay.is_zero() {
            sleep(delay).await;
        }
        if told.wait_for(|orders| !orders.held).await.is_err() {
            return;
        }
        let is_cut = told.borrow().cuts != cuts;
        let arrives = if is_cut { read / 2 } else { read };
        if to.write_all(&buffer[..arrives]).await.is_err() || is_cut {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener as Port;

    use super::*;

    /// A server that sends everything back, and a relay before it.
    async fn echo() -> (Relay, u16) {
        let server = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let target = server.local_addr().expect("an address").port();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = server.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = client.split();
                    tokio::io::copy(&mut from, &mut to).await.ok();
                });
            }
        });
        let port = Port::bind("127.0.0.1:0").and_then(|port| port.local_addr()).expect("a port").port();
        (Relay::open(port, target).await.expect("a relay"), port)
    }

    /// Sends four bytes; what comes back of them until the connection ends or four are there.
    async fn say(line: &mut TcpStream) -> usize {
        let mut heard = [0; 4];
        line.write_all(b"word").await.ok();
        let mut count = 0;
        while count < heard.len() {
            match line.read(&mut heard[count..]).await {
                Ok(read @ 1..) => count += read,
                _ => break,
            }
        }
        count
    }

    #[tokio::test]
    async fn a_line_that_was_cut_breaks_in_the_middle_and_the_next_one_is_whole() {
        let (relay, port) = echo().await;
        let mut line = TcpStream::connect(("127.0.0.1", port)).await.expect("a line");
        assert_eq!(say(&mut line).await, 4);
        relay.cut();
        assert!(say(&mut line).await < 4);
        let mut next = TcpStream::connect(("127.0.0.1", port)).await.expect("a line");
        assert_eq!(say(&mut next).await, 4);
    }

    #[tokio::test]
    async fn who_is_hung_up_on_hears_nothing_more() {
        let (relay, port) = echo().await;
        let mut line = TcpStream::connect(("127.0.0.1", port)).await.expect("a line");
        assert_eq!(say(&mut line).await, 4);
        relay.hang_up();
        assert_eq!(line.read(&mut [0; 4]).await.unwrap_or_default(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_held_back_arrives_once_it_no_longer_is_and_what_is_slowed_down_later() {
        let (relay, port) = echo().await;
        let mut line = TcpStream::connect(("127.0.0.1", port)).await.expect("a line");
        relay.hold_back(true);
        {
            let said = say(&mut line);
            tokio::pin!(said);
            let waited = tokio::time::timeout(Duration::from_mins(1), &mut said);
            assert!(waited.await.is_err(), "nothing arrives");
            relay.hold_back(false);
            assert_eq!(said.await, 4);
        }
        relay.delay(Duration::from_secs(10));
        let began = tokio::time::Instant::now();
        assert_eq!(say(&mut line).await, 4);
        assert!(began.elapsed() >= Duration::from_secs(20), "each way");
    }

    #[tokio::test]
    async fn a_door_that_is_shut_refuses_and_is_opened_again() {
        let (relay, port) = echo().await;
        let mut old = TcpStream::connect(("127.0.0.1", port)).await.expect("a line");
        assert_eq!(say(&mut old).await, 4);
        relay.shut(true);
        while TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            tokio::task::yield_now().await;
        }
        assert_eq!(say(&mut old).await, 4, "who is in stays in");
        relay.shut(false);
        let mut next = loop {
            match TcpStream::connect(("127.0.0.1", port)).await {
                Ok(next) => break next,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        assert_eq!(say(&mut next).await, 4);
    }
}
