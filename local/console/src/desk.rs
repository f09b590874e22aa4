//! What the parts of the console share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::sync::broadcast;

use cloud::Cloud;
use cloud::secrets;
use cloud::service::Service;
use customers::traffic::Traffic;
use lambda::sources::Invoker;
use provider::Control;
use shared::breaker::{Breaker, Settings};
use shared::redis::{self, Redis};

use crate::lines::Lines;
use crate::pulled::Pulled;
use crate::visitors::Visitors;

/// A handle: cheap to clone.
pub(crate) type Desk = Arc<Inner>;

/// See the module.
pub(crate) struct Inner {
    pub(crate) cloud: Cloud,
    /// Of this process, and known to the page alone.
    pub(crate) secret: String,
    pub(crate) client: reqwest::Client,
    pub(crate) invoker: Invoker,
    pub(crate) provider: Control,
    pub(crate) redis: Redis,
    pub(crate) breaker: Breaker,
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) lines: Lines,
    pub(crate) visitors: Visitors,
    /// What is told to every open page: the event's name and its data.
    pub(crate) told: broadcast::Sender<(&'static str, String)>,
    pulled: Mutex<Pulled>,
    /// The product whose cache entry is looked at.
    watched: Mutex<Option<String>>,
}

/// How far a page that is slow may fall behind before it loses what was told.
const BACKLOG: usize = 256;

impl Inner {
    /// The console's things for a cloud.
    pub(crate) fn new(cloud: Cloud) -> Result<Desk> {
        let url = format!("redis://127.0.0.1:{}", cloud.port(Service::Redis)?);
        let redis = Redis::new(redis::Settings::new(url))?;
        let invoker = || Invoker::new(cloud.http(Service::Functions)?);
        let traffic = Arc::new(Traffic::new(&cloud, cloud.wishes.scale)?);
        Ok(Arc::new(Self {
            secret: secrets::random()?,
            client: reqwest::Client::builder()
                .no_proxy()
                .tls_certs_only([])
                .redirect(reqwest::redirect::Policy::none())
                .build()?,
            provider: Control::new(&cloud.http(Service::Payments)?)?,
            breaker: Breaker::new("payments", Settings::DEFAULT, redis.clone(), "console"),
            redis,
            lines: Lines::new(cloud.folder.log(Service::Functions.name())),
            visitors: Visitors::new(invoker()?, Arc::clone(&traffic))?,
            invoker: invoker()?,
            traffic,
            told: broadcast::channel(BACKLOG).0,
            pulled: Mutex::default(),
            watched: Mutex::default(),
            cloud,
        }))
    }

    /// What is away, or other than usual.
    pub(crate) fn pulled(&self) -> MutexGuard<'_, Pulled> {
        self.pulled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The product whose cache entry is looked at.
    pub(crate) fn watched(&self) -> MutexGuard<'_, Option<String>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells every open page. That there is none is not a fault.
    pub(crate) fn tell(&self, event: &'static str, data: String) {
        self.told.send((event, data)).ok();
    }
}

/// An order that could not be carried out, in words for the page.
pub(crate) struct Sorry(StatusCode, String);

impl Sorry {
    /// The page asked for something that there is not.
    pub(crate) fn bad(words: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, words.into())
    }
}

impl From<anyhow::Error> for Sorry {
    fn from(error: anyhow::Error) -> Self {
        Self(StatusCode::SERVICE_UNAVAILABLE, format!("{error:#}"))
    }
}

impl IntoResponse for Sorry {
    fn into_response(self) -> Response {
        (self.0, self.1).into_response()
    }
}
