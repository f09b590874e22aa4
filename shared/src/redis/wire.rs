//! A connection to one server: a request, its replies, then the next request.
//!
//! The crate's multiplexed connection lets many requests share one socket. For that it works in a task of its own,
//! which hears of a close only when it gets its turn, and hands each reply over twice: a third of what a cached product
//! took in instructions. An environment serves one request at a time, or a few, each with a connection to itself.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use redis::{Cmd, RedisConnectionInfo, RedisResult, Value, cmd};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::reply::{Parsed, parse};
use crate::telemetry::{self, Counter};

/// Enough for a batch and its replies, most of the time.
const ROOM: usize = 4096;
/// What a large reply has needed is not kept for the small ones that follow.
const MOST_ROOM: usize = 64 * 1024;

/// See the module.
pub(super) struct Wire {
    stream: Stream,
    buffer: Vec<u8>,
    /// Wall clock: monotonic clocks may stand still while an environment is frozen.
    last_used: SystemTime,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    /// Connects, over TLS if it is given, and signs in.
    pub(super) async fn open(
        host: &str,
        port: u16,
        tls: Option<&Arc<ClientConfig>>,
        user: &RedisConnectionInfo,
    ) -> RedisResult<Self> {
        let stream = connect(host, port).await?;
        let stream = match tls {
            Some(tls) => {
                let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
                Stream::Tls(Box::new(TlsConnector::from(Arc::clone(tls)).connect(name, stream).await?))
            }
            None => Stream::Plain(stream),
        };
        let mut wire = Self { stream, buffer: Vec::with_capacity(ROOM), last_used: SystemTime::now() };
        for reply in wire.send(&sign_in(user)).await? {
            reply?;
        }
        telemetry::count(Counter::RedisConnected);
        Ok(wire)
    }

    /// Whether no server has closed it and nobody has forgotten it, as far as this machine knows. A clock that went
    /// back tells nothing about idleness; a new connection costs less than a dead one.
    pub(super) fn is_open(&self, idle_limit: Duration) -> bool {
        self.last_used.elapsed().is_ok_and(|idle| idle <= idle_limit) && self.is_quiet()
    }

    /// Whether nothing has come since the last reply. What comes unasked is the other side's goodbye.
    fn is_quiet(&self) -> bool {
        let socket = match &self.stream {
            Stream::Plain(stream) => stream,
            Stream::Tls(stream) => stream.get_ref().0,
        };
        // The socket itself is asked, and not tokio, which has not looked since the environment thawed.
        let peeked = socket2::SockRef::from(socket).peek(&mut [std::mem::MaybeUninit::uninit()]);
        peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Sends all commands at once. The reply of each, or an error if the connection is of no use any more, as it is
    /// when this future is dropped.
    pub(super) async fn send<'a>(
        &mut self,
        commands: impl IntoIterator<Item = &'a Cmd>,
    ) -> RedisResult<Vec<RedisResult<Value>>> {
        self.buffer.clear();
        let mut count = 0;
        for command in commands {
            command.write_packed_command(&mut self.buffer);
            count += 1;
        }
        let replies = match &mut self.stream {
            Stream::Plain(stream) => exchange(stream, &mut self.buffer, count).await?,
            Stream::Tls(stream) => exchange(stream, &mut self.buffer, count).await?,
        };
        self.last_used = SystemTime::now();
        Ok(replies)
    }
}

async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// What a fresh connection has to say before anything else.
fn sign_in(settings: &RedisConnectionInfo) -> Vec<Cmd> {
    let mut commands = Vec::new();
    if let Some(password) = settings.password() {
        let mut auth = cmd("AUTH");
        auth.arg(settings.username()).arg(password);
        commands.push(auth);
    }
    if settings.db() != 0 {
        let mut select = cmd("SELECT");
        select.arg(settings.db());
        commands.push(select);
    }
    commands
}

/// Sends what is in the buffer, and reads so many replies.
async fn exchange(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    buffer: &mut Vec<u8>,
    count: usize,
) -> RedisResult<Vec<RedisResult<Value>>> {
    stream.write_all(buffer).await?;
    stream.flush().await?;
    buffer.clear();
    let (mut replies, mut at) = (Vec::with_capacity(count), 0);
    while replies.len() < count {
        match parse(buffer, at)? {
            Parsed::Whole(value, end) => {
                replies.push(value.extract_error());
                at = end;
            }
            Parsed::Needs(length) => read(stream, buffer, length).await?,
        }
    }
    buffer.shrink_to(MOST_ROOM);
    Ok(replies)
}

/// Reads until there are so many bytes.
async fn read(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>, length: usize) -> io::Result<()> {
    while buffer.len() < length {
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}
