//! What requests ask of others: counted by those who are asked.

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use cloud::Cloud;
use cloud::service::Service;
use provider::Control;

/// Counters as they stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    pub(super) redis_commands: u64,
    /// Times that Redis read from a connection: commands of one batch are read at once.
    pub(super) redis_round_trips: u64,
    /// Statements of Postgres, each of them one round trip.
    pub(super) statements: u64,
    pub(super) provider_calls: u64,
}

/// Asks for the counters.
pub(super) struct Counter<'a> {
    cloud: &'a Cloud,
    provider: Control,
    /// Kept open: Redis also counts the read that notices the end of a connection.
    redis: TcpStream,
}

impl<'a> Counter<'a> {
    pub(super) async fn new(cloud: &'a Cloud) -> Result<Self> {
        let redis = TcpStream::connect(("127.0.0.1", cloud.port(Service::Redis)?)).await?;
        let provider = Control::new(&cloud.http(Service::Payments)?)?;
        Ok(Self { cloud, provider, redis })
    }

    /// The counters as they stand.
    pub(super) async fn now(&mut self) -> Result<Counts> {
        // Statements of functions have their names in a comment behind the first word; those of this command have none.
        let sql = "select coalesce(sum(calls), 0) from pg_stat_statements where query ~ '^[a-z]+ /[*] '";
        let statements = self.cloud.sql(sql).await?;
        let requests = self.provider.requests().await?;
        let info = self.redis("INFO stats").await?;
        let number = |name: &str| {
            let line = info.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|number| number.trim().parse().ok()).with_context(|| format!("INFO has no {name}"))
        };
        Ok(Counts {
            redis_commands: number("total_commands_processed:")?,
            redis_round_trips: number("total_reads_processed:")?,
            statements: statements.parse().context("no number of statements")?,
            provider_calls: requests.try_into()?,
        })
    }

    /// Forgets every cached entry, limit and breaker.
    pub(super) async fn empty_redis(&mut self) -> Result<()> {
        self.redis("FLUSHALL").await.map(drop)
    }

    /// Sends one inline command and reads its answer.
    async fn redis(&mut self, command: &str) -> Result<String> {
        self.redis.write_all(format!("{command}\r\n").as_bytes()).await?;
        let mut answer = Vec::new();
        while !is_whole(&answer) {
            ensure!(self.redis.read_buf(&mut answer).await? > 0, "Redis hung up");
        }
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

impl Counts {
    /// What was counted since, less what counting itself costs: one INFO.
    pub(super) fn since(self, before: Self) -> Self {
        let redis = |now: u64, before: u64| now.saturating_sub(before + 1);
        Self {
            redis_commands: redis(self.redis_commands, before.redis_commands),
            redis_round_trips: redis(self.redis_round_trips, before.redis_round_trips),
            statements: self.statements.saturating_sub(before.statements),
            provider_calls: self.provider_calls.saturating_sub(before.provider_calls),
        }
    }
}

/// A simple string, or a bulk string with all of its bytes.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, rest)) = text.split_once("\r\n") else { return false };
    match head.strip_prefix('$').and_then(|length| length.parse::<usize>().ok()) {
        Some(length) => rest.len() >= length + 2,
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_knows_when_an_answer_of_redis_is_whole() {
        for (answer, whole) in
            [("+OK\r\n", true), ("+O", false), ("$3\r\nabc\r\n", true), ("$3\r\nab", false)]
        {
            assert_eq!(is_whole(answer.as_bytes()), whole, "{answer:?}");
        }
    }
}
