//! A handler that does nothing, served by `lambda_http` as it comes: what a function costs that was written without
//! further thought, so that a benchmark can say what ours costs beside it.

use std::convert::Infallible;

use lambda_http::{Body, Error, Request, Response, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(async |_: Request| Ok::<_, Infallible>(Response::new(Body::Empty)))).await
}
