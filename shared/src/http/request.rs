//! A request as a handler sees it.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use http::header;
use serde::de::DeserializeOwned;

use super::admission::Admission;
use super::caller::Caller;
use super::{Endpoint, Event, Preconditions, body};
use crate::app::App;
use crate::auth::token::Role;
use crate::auth::{self, User};
use crate::error::{Error, Kind, Result, bad_parameter, forbidden, unauthorized};
use crate::redis::Command;
use crate::time_limit::TimeLimit;

/// When the provider is asked again, or somewhat later where it has let us wait.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// The event, and what is known of its caller.
pub struct Request {
    event: Event,
    caller: Caller,
    time_limit: TimeLimit,
    endpoint: Endpoint,
    admission: Arc<Admission>,
}

impl Request {
    pub(super) async fn new(app: App, endpoint: Endpoint, event: Event, time_limit: TimeLimit) -> Self {
        let authority = endpoint.is_about_the_caller().then_some(&app.authority);
        let caller = Caller::of(&event, authority, &app.edge).await;
        let identity = if endpoint.is_by_address() { caller.address() } else { caller.identity() };
        let admission = Arc::new(Admission::new(app, endpoint, identity));
        Self { event, caller, time_limit, endpoint, admission }
    }

    /// Shared with the layer that outlives the handler.
    pub(super) fn admission(&self) -> Arc<Admission> {
        Arc::clone(&self.admission)
    }

    /// Counts the request against its caller's rate limits, and sends `commands` along: one Redis round trip for both.
    ///
    /// # Errors
    /// 429 when a limit is exceeded. What the commands have done is taken back then, with one more round trip where
    /// there is something: a refused caller must not keep what others wait for, as the right to fill or to probe.
    pub async fn admit<C: Command>(&self, commands: C) -> Result<C::Output> {
        match self.admission.ask(commands).await {
            (Ok(()), output) => Ok(output),
            (Err(refusal), output) => {
                self.admission.take_back::<C>(output).await;
                Err(refusal)
            }
        }
    }

    /// How long this request may still take.
    pub fn time_limit(&self) -> TimeLimit {
        self.time_limit
    }

    /// The verified user behind the request.
    ///
    /// # Errors
    /// 401 without a token, or with one that does not verify; 503 while nobody can know.
    pub fn user(&self) -> Result<&User> {
        match self.caller.user() {
            Ok(Some(user)) => Ok(user),
            Ok(None) => Err(unauthorized("Log in, and send the access token as Authorization: Bearer.")),
            Err(auth::Error::NoKeys) => Err(nobody_can_know()),
            Err(auth::Error::Expired) => Err(unauthorized("The access token has expired. Log in again.")),
            Err(_) => Err(unauthorized("The access token is not valid. Log in again.")),
        }
    }

    /// The verified administrator behind the request.
    ///
    /// # Errors
    /// 401 like [`Request::user`]; 403 for everyone but an administrator.
    pub fn administrator(&self) -> Result<&User> {
        let user = self.user()?;
        if user.role == Role::Administrator {
            Ok(user)
        } else {
            Err(forbidden("Only administrators may do this."))
        }
    }

    /// A path parameter.
    ///
    /// # Errors
    /// 400 if it is not of the right shape.
    pub fn path<T: FromStr<Err: Display>>(&self, name: &str) -> Result<T> {
        parse(name, self.event.path_parameter(name).unwrap_or_default())
    }

    /// A query parameter, if there is one.
    ///
    /// # Errors
    /// 400 if it is not of the right shape.
    pub fn query<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>> {
        self.event.query_parameter(name).map(|text| parse(name, &text)).transpose()
    }

    /// A query parameter that is a number, if there is one.
    ///
    /// # Errors
    /// 400 if it is not a number, or out of bounds.
    pub fn number<T>(&self, name: &str, bounds: RangeInclusive<T>) -> Result<Option<T>>
    where
        T: FromStr + PartialOrd + Display,
    {
        let Some(text) = self.event.query_parameter(name) else { return Ok(None) };
        // Rust's own words for what is not a number are not for callers.
        let number = text.parse().ok().filter(|number| bounds.contains(number));
        let message = || format!("must be from {} to {}", bounds.start(), bounds.end());
        number.map(Some).ok_or_else(|| bad_parameter(name, message()))
    }

    /// A query parameter that is `true` or `false`, if there is one.
    ///
    /// # Errors
    /// 400 if it is neither.
    pub fn flag(&self, name: &str) -> Result<Option<bool>> {
        match self.event.query_parameter(name).as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(bad_parameter(name, "must be true or false")),
        }
    }

    /// A header's value, if it is there. It may hold more than ASCII.
    pub fn header(&self, name: impl AsRef<str>) -> Option<&str> {
        self.event.header(name.as_ref())
    }

    /// What the request demands of the version of what it is about.
    ///
    /// # Errors
    /// 400 if that cannot be read.
    pub fn preconditions(&self) -> Result<Preconditions> {
        Preconditions::of(&self.event)
    }

    /// Sees to the request's conditions where what is changed has no versions: the last thing before it is done (RFC
    /// 9110, section 13.2.1), and part of reading a body.
    ///
    /// # Errors
    /// 412 if one does not hold; 400 if it cannot be read.
    pub fn unconditional(&self) -> Result<()> {
        if self.endpoint.is_in_versions() { Ok(()) } else { self.preconditions()?.hold_without_versions() }
    }

    /// Whether the caller wants the headers of an answer without its body.
    pub(super) fn is_head(&self) -> bool {
        self.event.method() == "HEAD"
    }

    /// The body as JSON, with room for texts of so many characters in it, however those are written.
    ///
    /// # Errors
    /// 400, 412, 413, 415 or 422, naming the field that is wrong.
    pub fn json<T: DeserializeOwned>(&self, characters: usize) -> Result<T> {
        self.unconditional()?;
        let sent = body::Sent {
            media_type: self.header(header::CONTENT_TYPE),
            coding: self.header(header::CONTENT_ENCODING),
            bytes: self.event.body(),
        };
        body::json(&sent, characters)
    }

    /// The body as it came in.
    pub fn body(&self) -> &[u8] {
        self.event.body()
    }
}

/// Before anything was done. A 401 would make people sign in again, where nothing is wrong with their tokens.
fn nobody_can_know() -> Error {
    let detail = "The identity provider does not answer, so no access token can be verified. This request did nothing; an \
        earlier one under the same Idempotency-Key may have.";
    Error::new(Kind::Unavailable, detail).retry_after(AGAIN_AFTER)
}

fn parse<T: FromStr<Err: Display>>(name: &str, text: &str) -> Result<T> {
    text.parse().map_err(|error: T::Err| bad_parameter(name, error.to_string()))
}
