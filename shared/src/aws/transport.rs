//! What AWS's own clients send their requests with: the client that payments and objects have.
//!
//! Their default is a second one, with HTTP/2 (docs/decisions.md, "AWS's clients send over our client").

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::outgoing::{Pool, whole};
use crate::telemetry;

/// By it Lambda finds functions that invoke each other for ever. No part of a signature.
const TRACE: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// Sends requests whose bodies are in memory, and reads all of an answer. The ceiling on a connection is that of
/// [`crate::outgoing`]; those on a try and on a call are the caller's.
#[derive(Clone)]
pub(super) struct Transport(Arc<Pool>);

impl Transport {
    pub(super) fn new() -> Result<Self, rustls::Error> {
        Ok(Self(Arc::new(Pool::new(HeaderMap::new())?)))
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

impl HttpClient for Transport {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Transport {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let pool = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move { exchange(&pool, request).await })
    }
}

async fn exchange(pool: &Pool, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let (mut head, body) =
        request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?.into_parts();
    // The client would read it from an environment variable, which nobody sets here (`runtime_api.rs`).
    if let Some(trace) = telemetry::trace_header().and_then(|trace| HeaderValue::try_from(trace).ok()) {
        head.headers.insert(TRACE, trace);
    }
    let body = body.bytes().ok_or_else(|| ConnectorError::user("its body is not in memory".into()))?.to_vec();
    let request = reqwest::Request::try_from(http::Request::from_parts(head, body)).map_err(failed)?;
    let client = pool.client(SystemTime::now()).map_err(failed)?;
    let answer = async { whole(client.execute(request).await?).await }.await.map_err(|error| {
        // Its siblings may be as dead, and the next try is on its way.
        pool.renew();
        failed(error)
    })?;
    HttpResponse::try_from(answer.map(SdkBody::from))
        .map_err(|error| ConnectorError::other(error.into(), None))
}

/// In the terms by which AWS's clients decide whether to try again.
fn failed(error: reqwest::Error) -> ConnectorError {
    if error.is_builder() {
        ConnectorError::user(error.into())
    } else if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use aws_config::retry::RetryConfig;
    use aws_credential_types::Credentials;
    use aws_sdk_sqs::Client;
    use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
    use aws_sdk_sqs::operation::send_message::{SendMessageError, SendMessageOutput};

    use super::super::client::config;
    use super::super::scripted::{answering, hearing};
    use crate::telemetry::Record;

    type Sent = Result<SendMessageOutput, SdkError<SendMessageError>>;

    const TAKEN: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: 17\r\n\r\n\
                         {\"MessageId\":\"1\"}";
    const HALF: &str = "HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n{\"Mess";
    const MISSING: &str = "HTTP/1.1 400 Bad Request\r\ncontent-type: application/x-amz-json-1.0\r\n\
                           content-length: 52\r\n\r\n{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\"    }";

    /// Of the queues at this address.
    fn client(address: &str, tries: u32) -> Client {
        let keys = Credentials::new("id", "secret", None, None, "test");
        let config = config("us-east-1", keys, Some(address.to_owned())).expect("a configuration");
        let tries = RetryConfig::standard().with_max_attempts(tries);
        Client::new(&config.into_builder().retry_config(tries).build())
    }

    /// Sends a message, at most twice, to a queue that answers so.
    async fn send(texts: &[&'static str]) -> Sent {
        let address = answering(texts);
        let queue = format!("{address}/1/queue");
        client(&address, 2).send_message().queue_url(queue).message_body("{}").send().await
    }

    #[tokio::test]
    async fn what_is_lost_on_its_way_is_sent_again_over_another_connection() {
        let sent = send(&[HALF, TAKEN]).await.expect("the second time");
        assert_eq!(sent.message_id(), Some("1"));
    }

    #[tokio::test]
    async fn a_request_tells_whose_trace_it_belongs_to() {
        let (address, requests) = hearing(&[TAKEN, TAKEN]);
        let client = client(&address, 1);
        let queue = format!("{address}/1/queue");
        let send = || client.send_message().queue_url(&queue).message_body("{}").send();
        let record = Record::begin("r", Some("Root=1-5759e988-bd862e3fe1be46a994272793".to_owned()));
        record.observe(send()).await.expect("it is taken");
        send().await.expect("it is taken");
        let told = "\r\nx-amzn-trace-id: Root=1-5759e988-bd862e3fe1be46a994272793\r\n";
        assert!(requests.recv().expect("a request").contains(told));
        assert!(!requests.recv().expect("another").contains("x-amzn-trace-id"));
    }

    #[tokio::test]
    async fn a_refusal_is_told_as_what_it_is_and_not_repeated() {
        let refused = send(&[MISSING]).await.expect_err("there is no such queue").into_service_error();
        assert_eq!(refused.code(), Some("QueueDoesNotExist"), "{refused:?}");
    }

    #[tokio::test]
    async fn whoever_does_not_listen_is_named_with_the_reason() {
        let error = client("http://127.0.0.1:1", 1).list_queues().send().await.expect_err("nobody listens");
        let mut cause: &dyn Error = &error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        assert!(cause.to_string().contains("Connection refused"), "{error:?}");
    }
}
