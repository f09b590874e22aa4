//! Redis or Valkey, without persistence.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::cloud::Cloud;
use crate::process::Program;
use crate::service::{Service, on_path};

pub(super) fn program(cloud: &Cloud) -> Result<Program> {
    let server = on_path("redis-server").or_else(|| on_path("valkey-server"));
    let server = server.context("neither redis-server nor valkey-server is on the PATH")?;
    let port = cloud.port(Service::Redis)?.to_string();
    let folder = cloud.folder.data().display().to_string();
    let arguments =
        ["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no", "--dir", &folder];
    Ok(Program::new(server, arguments))
}

pub(super) async fn ask(cloud: &Cloud) -> Result<()> {
    let port = cloud.port(Service::Redis)?;
    let conversation = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.write_all(b"PING\r\n").await?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).await?;
        ensure!(&answer == b"+PONG", "redis answers {:?}", String::from_utf8_lossy(&answer));
        Ok(())
    };
    tokio::time::timeout(Duration::from_secs(2), conversation).await.context("redis does not answer")?
}
