//! One server, or a cluster of them, behind one interface.
//!
//! `ElastiCache` Serverless shows a single node whatever stands behind it, so the plain client serves it. A cluster that
//! shows its nodes needs the cluster client, which refuses a pipeline whose keys belong to several nodes: there a batch
//! is single commands sent together, on one connection for each node.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::join_all;
use redis::aio::{ConnectionLike, MultiplexedConnection, SendError};
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, Pipeline,
};
use redis::{ProtocolVersion, PushInfo, PushKind, RedisResult, TlsCertificates, Value};

use super::{Iam, InvalidSettings, Settings};

/// How to connect.
pub(super) enum Server {
    Single(Box<Single>),
    Cluster(Box<Nodes>),
}

/// One address, whatever stands behind it.
pub(super) struct Single {
    client: Client,
    certificates: Option<TlsCertificates>,
    iam: Option<Iam>,
}

/// The node that is asked for the others, and the limits of the cluster client's own connections.
pub(super) struct Nodes {
    first: ConnectionInfo,
    certificates: Option<TlsCertificates>,
    settings: Settings,
}

/// An open connection.
#[derive(Clone)]
pub(super) enum Link {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Server {
    pub(super) fn new(settings: &Settings) -> Result<Self, InvalidSettings> {
        let info = settings.url.as_str().into_connection_info()?;
        // RESP3: the server's closing is told as a push message, so a dead connection is known before it is used.
        let redis =
            info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3).set_skip_set_lib_name();
        let info = info.set_redis_settings(redis).set_tcp_settings(tcp());
        // The whole workspace has one TLS stack; an error here only says that it was installed before.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let certificates = settings.ca_certificate.clone().map(|pem| {
            // A file without any certificate in it would make a client that trusts nobody.
            let some = pem.windows(27).any(|line| line == b"-----BEGIN CERTIFICATE-----");
            let certificates = TlsCertificates { client_tls: None, root_cert: Some(pem) };
            some.then_some(certificates).ok_or(InvalidSettings::Certificate)
        });
        let certificates = certificates.transpose()?;
        let encrypted = matches!(info.addr(), ConnectionAddr::TcpTls { .. });
        if settings.iam.is_some() && !(encrypted && info.redis_settings().username().is_some()) {
            return Err(InvalidSettings::Iam);
        }
        if settings.cluster {
            let nodes = Nodes { first: info, certificates, settings: settings.clone() };
            nodes.builder()?.build()?;
            return Ok(Self::Cluster(Box::new(nodes)));
        }
        let client = open(info, certificates.as_ref())?;
        Ok(Self::Single(Box::new(Single { client, certificates, iam: settings.iam.clone() })))
    }

    /// Opens a connection. `dead` is set as soon as a server closes it.
    pub(super) async fn connect(&self, dead: Arc<AtomicBool>) -> RedisResult<Link> {
        let on_push = move |push: PushInfo| {
            if push.kind == PushKind::Disconnection {
                dead.store(true, Ordering::Relaxed);
            }
            Ok::<(), SendError>(())
        };
        match self {
            Self::Single(single) => {
                let client = single.client()?;
                // Time limits are ours (`Redis::batch`, `Connections::send`), in one place; the crate's come on top.
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(None)
                    .set_response_timeout(None)
                    .set_push_sender(on_push);
                Ok(Link::Single(client.get_multiplexed_async_connection_with_config(&config).await?))
            }
            Self::Cluster(nodes) => {
                let client = nodes.builder()?.push_sender(on_push).build()?;
                Ok(Link::Cluster(client.get_async_connection().await?))
            }
        }
    }
}

impl Single {
    fn client(&self) -> RedisResult<Client> {
        match &self.iam {
            Some(iam) => {
                let info = signed_in(self.client.get_connection_info(), iam)?;
                open(info, self.certificates.as_ref())
            }
            None => Ok(self.client.clone()),
        }
    }
}

fn open(info: ConnectionInfo, certificates: Option<&TlsCertificates>) -> RedisResult<Client> {
    match certificates {
        Some(certificates) => Client::build_with_tls(info, certificates.clone()),
        None => Client::open(info),
    }
}

/// The same server, with a token for a password.
fn signed_in(info: &ConnectionInfo, iam: &Iam) -> RedisResult<ConnectionInfo> {
    let redis = info.redis_settings().clone();
    let token = iam.token_now(redis.username().unwrap_or_default())?;
    Ok(info.clone().set_redis_settings(redis.set_password(token)))
}

impl Nodes {
    fn builder(&self) -> RedisResult<ClusterClientBuilder> {
        let first = match &self.settings.iam {
            Some(iam) => signed_in(&self.first, iam)?,
            None => self.first.clone(),
        };
        let builder = ClusterClientBuilder::new([first])
            .tcp_settings(tcp())
            .connection_timeout(self.settings.batch_limit)
            .response_timeout(self.settings.response_limit)
            // The crate would send again what may have been carried out. What surely was not, we send again ourselves.
            .retries(0);
        Ok(match &self.certificates {
            Some(certificates) => builder.certs(certificates.clone()),
            None => builder,
        })
    }
}

impl Link {
    /// Sends all commands at once. The reply of each, or an error if the connection is of no use any more.
    pub(super) async fn send(&self, commands: Vec<Cmd>) -> RedisResult<Vec<RedisResult<Value>>> {
        match self {
            Self::Single(connection) => {
                let mut pipeline = Pipeline::new();
                pipeline.ignore_errors();
                for command in commands {
                    pipeline.add_command(command);
                }
                let values: Vec<Value> = pipeline.query_async(&mut connection.clone()).await?;
                Ok(values.into_iter().map(Value::extract_error).collect())
            }
            Self::Cluster(connection) => {
                let ask = async |command| connection.clone().req_packed_command(&command).await;
                let replies = join_all(commands.into_iter().map(ask)).await;
                let lost = |error: &redis::RedisError| error.code().is_none();
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

fn tcp() -> TcpSettings {
    TcpSettings::default().set_nodelay(true)
}
