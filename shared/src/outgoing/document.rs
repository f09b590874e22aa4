//! One small document, now and then: over a connection of its own, by what the runtime's client is made of already.
//! With the client for payments in it every function would be larger by that, for a document in some minutes.

use std::{io, pin::pin, sync::Arc};

use bytes::{Bytes, BytesMut};
use futures::future::{Either, select};
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use url::{Position, Url};

use super::{CONNECT, USER_AGENT, innermost};

/// What is answered there with 200, or why nothing is; redirects are not followed. The caller has a ceiling on it.
pub(crate) async fn document(tls: &Arc<ClientConfig>, url: &Url, largest: usize) -> Result<Bytes, String> {
    let connected =
        timeout(CONNECT, connect(tls, url)).await.map_err(|_elapsed| "no connection within 1 s")?;
    match connected.map_err(|error| innermost(&error))? {
        Either::Left(plain) => ask(plain, url, largest).await,
        Either::Right(encrypted) => ask(encrypted, url, largest).await,
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

async fn ask<S>(stream: S, url: &Url, largest: usize) -> Result<Bytes, String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut sender, connection) =
        handshake(TokioIo::new(stream)).await.map_err(|error| innermost(&error))?;
    let exchange = pin!(async {
        let request = Request::get(&url[Position::BeforePath..Position::AfterQuery])
            .header(header::HOST, &url[Position::BeforeHost..Position::AfterPort])
            .header(header::USER_AGENT, USER_AGENT)
            .body(Empty::<Bytes>::new())
            .map_err(|error| innermost(&error))?;
        let answer = sender.send_request(request).await.map_err(|error| innermost(&error))?;
        if answer.status() != StatusCode::OK {
            return Err(format!("{url} answered {}", answer.status()));
        }
        let (mut body, mut document) = (answer.into_body(), BytesMut::new());
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| innermost(&error))?;
            let Some(data) = frame.data_ref() else { continue };
            if document.len() + data.len() > largest {
                return Err(format!("{url} answered with too much"));
            }
            document.extend_from_slice(data);
        }
        Ok::<_, String>(document.freeze())
    });
    // The connection moves the bytes; it may have ended before all of them are read here.
    match select(exchange, pin!(connection)).await {
        Either::Left((document, _)) => document,
        Either::Right((_, exchange)) => exchange.await,
    }
}
