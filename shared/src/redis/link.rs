//! One server, or a cluster of them, behind one interface.
//!
//! `ElastiCache` Serverless shows a single node whatever stands behind it, so the plain client serves it. A cluster
//! that shows its nodes needs the cluster client, which refuses a pipeline whose keys belong to several nodes: there a
//! batch is single commands sent together, on one connection for each node.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::join_all;
use redis::aio::{ConnectionLike, SendError};
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{RoutingInfo, SingleNodeRoutingInfo};
use redis::io::tcp::TcpSettings;
use redis::{Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo, ProtocolVersion, PushInfo};
use redis::{PushKind, RedisError, RedisResult, ServerErrorKind, TlsCertificates, Value};
use rustls::ClientConfig;
use tokio::task::yield_now;

use super::wire::Wire;
use super::{Iam, InvalidSettings, Settings};
use crate::tls;

/// How to connect.
pub(super) enum Server {
    Single(Box<Single>),
    Cluster(Box<Nodes>),
}

/// One address, whatever stands behind it.
pub(super) struct Single {
    info: ConnectionInfo,
    tls: Option<Arc<ClientConfig>>,
    iam: Option<Iam>,
}

/// The node that is asked for the others, and the limits of the cluster client's own connections.
pub(super) struct Nodes {
    first: ConnectionInfo,
    certificates: Option<TlsCertificates>,
    settings: Settings,
}

/// An open connection.
pub(super) enum Link {
    Single(Wire),
    /// The flag is set when a node has closed its connection.
    Cluster(ClusterConnection, Arc<AtomicBool>),
}

impl Server {
    pub(super) fn new(settings: &Settings) -> Result<Self, InvalidSettings> {
        let info = settings.url.as_str().into_connection_info()?;
        let encrypted = match info.addr() {
            ConnectionAddr::Tcp(..) => false,
            ConnectionAddr::TcpTls { insecure: false, .. } => true,
            _ => return Err(InvalidSettings::Url("neither TCP nor verified TLS".to_owned())),
        };
        if settings.tls_only && !encrypted {
            return Err(InvalidSettings::Plain);
        }
        if settings.iam.is_some() && !(encrypted && info.redis_settings().username().is_some()) {
            return Err(InvalidSettings::Iam);
        }
        let own = settings.ca_certificate.as_deref();
        let authorities = own.map(|pem| tls::of_pem(pem).ok_or(InvalidSettings::Certificate)).transpose()?;
        if settings.cluster {
            return Ok(Self::Cluster(Box::new(Nodes::new(info, settings)?)));
        }
        let client = || tls::client(authorities.unwrap_or_else(tls::of_the_web)).map(Arc::new);
        let tls = encrypted.then(client).transpose()?;
        Ok(Self::Single(Box::new(Single { info, tls, iam: settings.iam.clone() })))
    }

    /// Opens a connection.
    pub(super) async fn connect(&self) -> RedisResult<Link> {
        match self {
            Self::Single(single) => single.connect().await.map(Link::Single),
            Self::Cluster(nodes) => nodes.connect().await,
        }
    }
}

impl Single {
    async fn connect(&self) -> RedisResult<Wire> {
        match &self.iam {
            Some(iam) => Wire::open(&signed_in(&self.info, iam).await?, self.tls.as_ref()).await,
            None => Wire::open(&self.info, self.tls.as_ref()).await,
        }
    }
}

/// The same server, with a token for a password.
async fn signed_in(info: &ConnectionInfo, iam: &Iam) -> RedisResult<ConnectionInfo> {
    let redis = info.redis_settings().clone();
    let token = iam.token_now(redis.username().unwrap_or_default()).await?;
    Ok(info.clone().set_redis_settings(redis.set_password(token)))
}

impl Nodes {
    fn new(info: ConnectionInfo, settings: &Settings) -> Result<Self, InvalidSettings> {
        // RESP3: a node's closing is told as a push message, so a dead connection is known before it is used.
        let redis =
            info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3).set_skip_set_lib_name();
        let first = info.set_redis_settings(redis).set_tcp_settings(tcp());
        // The crate takes what is installed; an error here only says that it was before.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let certificates = settings
            .ca_certificate
            .clone()
            .map(|pem| TlsCertificates { client_tls: None, root_cert: Some(pem) });
        let nodes = Self { first, certificates, settings: settings.clone() };
        nodes.builder(nodes.first.clone()).build()?;
        Ok(nodes)
    }

    async fn connect(&self) -> RedisResult<Link> {
        let dead = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&dead);
        let on_push = move |push: PushInfo| {
            if push.kind == PushKind::Disconnection {
                flag.store(true, Ordering::Relaxed);
            }
            Ok::<(), SendError>(())
        };
        let first = match &self.settings.iam {
            Some(iam) => signed_in(&self.first, iam).await?,
            None => self.first.clone(),
        };
        let client = self.builder(first).push_sender(on_push).build()?;
        Ok(Link::Cluster(client.get_async_connection().await?, dead))
    }

    fn builder(&self, first: ConnectionInfo) -> ClusterClientBuilder {
        let builder = ClusterClientBuilder::new([first])
            .tcp_settings(tcp())
            .connection_timeout(self.settings.batch_limit)
            .response_timeout(self.settings.response_limit)
            // The crate would send again what may have been carried out. What surely was not, we send again ourselves.
            .retries(0);
        match &self.certificates {
            Some(certificates) => builder.certs(certificates.clone()),
            None => builder,
        }
    }
}

impl Link {
    /// Whether no server has closed it, as far as this machine knows.
    pub(super) async fn is_open(&self) -> bool {
        match self {
            Self::Single(wire) => wire.is_quiet(),
            Self::Cluster(_, dead) => {
                // Two turns of the event loop let the connections' own tasks see a close that came while nobody looked,
                // as after a frozen environment thaws; without them the first batch goes into the closed socket.
                yield_now().await;
                yield_now().await;
                !dead.load(Ordering::Relaxed)
            }
        }
    }

    /// Sends all commands at once. The reply of each, or an error if the connection is of no use any more.
    pub(super) async fn send(&mut self, commands: &[Cmd]) -> RedisResult<Vec<RedisResult<Value>>> {
        match self {
            Self::Single(wire) => wire.send(commands).await,
            Self::Cluster(connection, _) => {
                let ask = async |command: &Cmd| ask_where_it_is(connection.clone(), command).await;
                let replies = join_all(commands.iter().map(ask)).await;
                let lost = |error: &RedisError| error.code().is_none();
                match replies.iter().find_map(|reply| reply.as_ref().err().filter(|error| lost(error))) {
                    Some(error) => Err(error.clone()),
                    None => {
                        Ok(replies.into_iter().map(|reply| reply.and_then(Value::extract_error)).collect())
                    }
                }
            }
        }
    }
}

/// Asks the node that should have the key, and the one that it names where the key has moved. A new map of the slots is
/// not enough: the crate has it from any node, which may not have heard of the move yet.
async fn ask_where_it_is(mut connection: ClusterConnection, command: &Cmd) -> RedisResult<Value> {
    let reply = connection.req_packed_command(command).await;
    match reply.as_ref().err().and_then(moved_to) {
        Some(node) => connection.route_command(command.clone(), RoutingInfo::SingleNode(node)).await,
        None => reply,
    }
}

/// The node that has the key now, where the error is that another one had it.
fn moved_to(error: &RedisError) -> Option<SingleNodeRoutingInfo> {
    let moved = error.kind() == ErrorKind::Server(ServerErrorKind::Moved);
    let (host, port) = moved.then(|| error.redirect_node())??.0.rsplit_once(':')?;
    Some(SingleNodeRoutingInfo::ByAddress { host: host.to_owned(), port: port.parse().ok()? })
}

fn tcp() -> TcpSettings {
    TcpSettings::default().set_nodelay(true)
}
