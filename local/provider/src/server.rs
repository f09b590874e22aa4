//! The sockets. Not `axum::serve`, because a payment provider under test must be able to do what a healthy server
//! never does: cut a connection instead of answering, and stop listening for a while.

use std::io;
use std::pin::pin;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::http::Request;
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// A response that is not sent: its connection is cut instead.
#[derive(Clone, Copy, Debug)]
struct Cut;

/// See [`Cut`].
pub(super) fn cut() -> Response {
    let mut response = ().into_response();
    response.extensions_mut().insert(Cut);
    response
}

/// Orders to stop listening.
#[derive(Clone, Debug)]
pub(super) struct Refusals(mpsc::Sender<Refusal>);

/// One such order, and whom to tell that it is in force.
#[derive(Debug)]
pub(super) struct Refusal {
    duration: Duration,
    begun: oneshot::Sender<()>,
}

impl Refusals {
    pub(super) fn channel() -> (Self, mpsc::Receiver<Refusal>) {
        let (sender, receiver) = mpsc::channel(1);
        (Self(sender), receiver)
    }

    /// Returns when connections are refused.
    pub(super) async fn begin(&self, duration: Duration) {
        let (begun, in_force) = oneshot::channel();
        if self.0.send(Refusal { duration, begun }).await.is_ok() {
            // An error would mean that the server is gone: then connections are refused all the more.
            let _ = in_force.await;
        }
    }
}

/// Serves until it is dropped, and its connections with it.
pub(super) async fn run(
    mut listener: TcpListener,
    router: Router,
    mut refusals: mpsc::Receiver<Refusal>,
) -> Result<()> {
    let address = listener.local_addr().context("the listener has no address")?;
    let closing = watch::Sender::new(());
    let mut connections = JoinSet::new();
    loop {
        let refusal = loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => drop(connections.spawn(serve(stream, router.clone(), closing.subscribe()))),
                    // Out of file descriptors, mostly: it passes.
                    Err(_) => sleep(Duration::from_millis(10)).await,
                },
                Some(refusal) = refusals.recv() => break refusal,
                Some(_) = connections.join_next() => {}
            }
        };
        drop(listener);
        let _ = refusal.begun.send(());
        // Kept connections end with the answer that is under way on them, the one to this order included.
        closing.send_replace(());
        sleep(refusal.duration).await;
        listener =
            TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address} again"))?;
    }
}

async fn serve(stream: TcpStream, router: Router, mut closing: watch::Receiver<()>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| {
        let router = TowerToHyperService::new(router.clone());
        async move {
            let Ok(response) = hyper::service::Service::call(&router, request).await;
            if response.extensions().get::<Cut>().is_some() {
                return Err(io::Error::other("cut on command"));
            }
            Ok(response)
        }
    });
    let mut connection = pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ended = connection.as_mut() => return,
        _ = closing.changed() => connection.as_mut().graceful_shutdown(),
    }
    let _ended = connection.await;
}
