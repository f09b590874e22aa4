//! Serving a Lambda function over HTTP.
//!
//! The way of a request: event → [`serve()`] → telemetry → errors → the handler. A handler is a function from [`App`]
//! and [`Request`] to a response or an [`Error`](crate::error::Error); everything around it stands here, once:
//!
//! ```no_run
//! use shared::{app::App, error::Result, http::{self, Endpoint, Request, Response}};
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), http::Fatal> {
//!     http::serve(Endpoint::new("GET /api/hello"), hello).await
//! }
//!
//! async fn hello(_app: App, request: Request) -> Result<Response> {
//!     request.admit(()).await?;
//!     http::json(200, &"hello")
//! }
//! ```
//!
//! [`App`]: crate::app::App

mod admission;
mod answer;
mod body;
mod caller;
mod endpoint;
mod event;
pub mod limits;
mod precondition;
mod request;
mod response;
mod serve;
mod words;

pub use ::http::header;
pub use body::{NO_TEXTS, read_json};
pub use endpoint::Endpoint;
pub use event::Event;
pub use precondition::Preconditions;
pub use request::Request;
pub use response::{REPLAYED, Response, ResponseExt, add_headers, cached, empty, json, json_text};
pub use serve::{Fatal, serve};
