//! One small document, now and then: over a connection of its own, by what the runtime's client is made of already.
//! With the client for payments in it every function would be larger by that, for a document in some minutes.

use std::error::Error;
use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::future::Either;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::{Position, Url};

use super::{CONNECT, USER_AGENT, innermost, over};

/// Why there is no document.
pub(crate) enum NoDocument {
    /// Nobody answers, or not as expected.
    Away(String),
    /// Whoever answers has a certificate that nobody vouches for who is trusted.
    Untrusted(String),
    /// It is larger than anything that is meant.
    TooLarge,
}

fn away(error: impl Error + 'static) -> NoDocument {
    NoDocument::Away(innermost(&error))
}

/// What is answered there with 200, to whoever shows this authorization if there is any; redirects are not followed.
/// The caller has a ceiling on it.
pub(crate) async fn document(
    tls: &Arc<ClientConfig>,
    url: &Url,
    authorization: Option<HeaderValue>,
    largest: usize,
) -> Result<Bytes, NoDocument> {
    let connected = timeout(CONNECT, connect(tls, url)).await;
    let connected = connected.map_err(|_elapsed| NoDocument::Away("no connection within 1 s".to_owned()))?;
    let failed = |error: io::Error| {
        if blames_a_certificate(&error) { NoDocument::Untrusted(innermost(&error)) } else { away(error) }
    };
    match connected.map_err(failed)? {
        Either::Left(plain) => ask(plain, url, authorization, largest).await,
        Either::Right(encrypted) => ask(encrypted, url, authorization, largest).await,
    }
}

async fn connect(tls: &Arc<ClientConfig>, url: &Url) -> io::Result<Either<TcpStream, TlsStream<TcpStream>>> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let plain = TcpStream::connect((host, url.port_or_known_default().unwrap_or_default())).await?;
    if url.scheme() != "https" {
        return Ok(Either::Left(plain));
    }
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    Ok(Either::Right(TlsConnector::from(Arc::clone(tls)).connect(name, plain).await?))
}

async fn ask<S>(
    stream: S,
    url: &Url,
    authorization: Option<HeaderValue>,
    largest: usize,
) -> Result<Bytes, NoDocument>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(away)?;
    let exchange = async {
        let mut request = Request::get(&url[Position::BeforePath..Position::AfterQuery])
            .header(header::HOST, &url[Position::BeforeHost..Position::AfterPort])
            .header(header::USER_AGENT, USER_AGENT)
            .body(Empty::<Bytes>::new())
            .map_err(away)?;
        request.headers_mut().extend(authorization.map(|value| (header::AUTHORIZATION, value)));
        let answer = sender.send_request(request).await.map_err(away)?;
        if answer.status() != StatusCode::OK {
            return Err(NoDocument::Away(format!("{url} answered {}", answer.status())));
        }
        let (mut body, mut document) = (answer.into_body(), BytesMut::new());
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(away)?;
            let Some(data) = frame.data_ref() else { continue };
            if document.len() + data.len() > largest {
                return Err(NoDocument::TooLarge);
            }
            document.extend_from_slice(data);
        }
        Ok::<_, NoDocument>(document.freeze())
    };
    over(connection, exchange).await.0
}

fn blames_a_certificate(error: &(dyn Error + 'static)) -> bool {
    // What an I/O error wraps is not a source of it, and it may be another I/O error.
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => blames_a_certificate(wrapped),
        None => matches!(error.downcast_ref(), Some(rustls::Error::InvalidCertificate(_))),
    }
}
