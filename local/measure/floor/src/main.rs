//! A handler that does nothing: what Lambda's runtime costs by itself, so that a benchmark can say what we add.

use std::convert::Infallible;

use lambda_http::{Body, Error, Request, Response, run_concurrent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run_concurrent(service_fn(async |_: Request| Ok::<_, Infallible>(Response::new(Body::Empty)))).await
}
