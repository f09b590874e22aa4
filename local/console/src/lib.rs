//! The local cloud in the browser: a shop on the left, what each click cost on the right, and switches that take parts
//! of the world away.
//!
//! | module | holds |
//! |---|---|
//! | [`run`], `desk` | the process; what its parts share |
//! | `pages` | the page's files, and the sources that it shows |
//! | `guard` | who may ask, and who may pull switches |
//! | `proxy` | `/api/…`: the page is a customer of the public API like any other |
//! | `live`, `lines` | what is told each second; the log lines of the page's own requests |
//! | `look` | how things stand: services, breaker, connections, the watched product's cache entry |
//! | `switches`, `pulled` | what can be taken away, and how all of it comes back; what is away now |
//! | `visitors` | load: customers like those of `./dev load`, and callers who never pause |
//! | `trials` | what is run when asked: one statement beside many, fifty readers of one product |
//!
//! Only this machine reaches it, and only this clone's cloud is reached by it.

mod desk;
mod guard;
mod lines;
mod live;
mod look;
mod pages;
mod proxy;
mod pulled;
mod switches;
mod trials;
mod visitors;

use std::net::Ipv4Addr;

use anyhow::{Context, Result};
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get, post};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use cloud::Cloud;
use cloud::service::Service;
use desk::{Desk, Inner};

/// Serves the console of a cloud until SIGTERM, and then puts everything back.
pub async fn run(cloud: Cloud) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let port = cloud.port(Service::Console)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.context("the port is taken")?;
    let desk = Inner::new(cloud)?;
    live::begin(&desk);
    let served = axum::serve(listener, routes(&desk)).into_future();
    tokio::select! {
        served = served => served?,
        _ = terminate.recv() => switches::leave(&desk).await,
    }
    Ok(())
}

fn routes(desk: &Desk) -> Router {
    let orders = Router::new()
        .route("/start", get(pages::start))
        .route("/live", get(live::live))
        .route("/watch", post(look::watch))
        .route("/switch", post(switches::pull))
        .route("/back", post(switches::back))
        .route("/authenticate", post(switches::authenticate))
        .route("/plan/{statement}", get(trials::plan))
        .route("/try/queries", post(trials::queries))
        .route("/try/readers", post(trials::readers))
        .route_layer(from_fn_with_state(desk.clone(), guard::knows_the_secret));
    Router::new()
        .route("/", get(pages::index))
        .route("/page/{name}", get(pages::file))
        .route("/source", get(pages::source))
        .route("/api/{*path}", any(proxy::pass_on))
        .merge(orders)
        .layer(from_fn_with_state(desk.clone(), guard::asks_for_us))
        .with_state(desk.clone())
}
