//! A cluster that shows its nodes: a connection to each that is needed, and a map of what they hold.
//!
//! Each key belongs to one of 16,384 slots, and each slot to one node, which is told by `CLUSTER SLOTS`: every version
//! of Redis and Valkey answers it, and `CLUSTER SHARDS` only Redis 7. A batch goes to its nodes at the same moment, the
//! commands of each as one. What a node says to be elsewhere it has surely not carried out, so that the node which it
//! names is asked; nothing else is sent twice.

use std::io;
use std::ops::RangeInclusive;
use std::time::Duration;

use futures::future::join_all;
use redis::{Arg, Cmd, ErrorKind, RedisResult, ServerErrorKind, Value, cmd};

use super::door::Door;
use super::wire::Wire;

/// A slot that has moved may be on its way again, to a third node.
const HOPS: usize = 2;

/// See the module.
pub(super) struct Cluster {
    /// That of the settings is the first. One that has left the cluster stays, without slots.
    nodes: Vec<Node>,
    map: Vec<(RangeInclusive<u16>, usize)>,
}

struct Node {
    host: String,
    port: u16,
    wire: Option<Wire>,
}

impl Cluster {
    pub(super) async fn open(door: &Door) -> RedisResult<Self> {
        let first = Node { host: door.host.clone(), port: door.port, wire: None };
        let mut cluster = Self { nodes: vec![first], map: Vec::new() };
        let slots = next(&mut cluster.nodes[0].ask(door, &[&slots()]).await?)?;
        cluster.learn(&slots, 0);
        // An address that leads to any of the nodes is none of theirs.
        if !cluster.map.iter().any(|(_, node)| *node == 0) {
            cluster.nodes[0].wire = None;
        }
        Ok(cluster)
    }

    /// Closes what is of no use. Where that is all there was, the map may be of no use either.
    pub(super) fn is_open(&mut self, idle_limit: Duration) -> bool {
        for node in &mut self.nodes {
            node.wire.take_if(|wire| !wire.is_open(idle_limit));
        }
        self.nodes.iter().any(|node| node.wire.is_some())
    }

    pub(super) fn reaches(&self, commands: &[Cmd]) -> bool {
        commands.iter().all(|command| self.nodes[self.owner(command)].wire.is_some())
    }

    /// See [`super::link::Link::send`].
    pub(super) async fn send(
        &mut self,
        door: &Door,
        commands: &[Cmd],
    ) -> RedisResult<Vec<RedisResult<Value>>> {
        let owners: Vec<usize> = commands.iter().map(|command| self.owner(command)).collect();
        let parts = self.nodes.iter_mut().enumerate().map(async |(n, node)| {
            let of_node = |(command, owner): (_, &usize)| (*owner == n).then_some(command);
            let part: Vec<&Cmd> = commands.iter().zip(&owners).filter_map(of_node).collect();
            if part.is_empty() { Ok(Vec::new().into_iter()) } else { node.ask(door, &part).await }
        });
        // To its end also where one is away, so that the others get what is theirs.
        let mut parts = join_all(parts).await.into_iter().collect::<RedisResult<Vec<_>>>()?;
        let mut replies = Vec::with_capacity(commands.len());
        for (command, owner) in commands.iter().zip(owners) {
            let reply = next(&mut parts[owner]);
            replies.push(self.follow(door, command, owner, reply).await?);
        }
        Ok(replies)
    }

    /// Asks on where the reply of `node` names another one: one that has the slot now, or one that it is moving to.
    async fn follow(
        &mut self,
        door: &Door,
        command: &Cmd,
        mut node: usize,
        mut reply: RedisResult<Value>,
    ) -> RedisResult<RedisResult<Value>> {
        for _ in 0..HOPS {
            let Some((named, moved)) = self.named(&reply, node) else { break };
            node = named;
            let before = (!moved).then(|| cmd("ASKING"));
            // It knows what it has, which others may not have heard of yet.
            let after = (moved && self.owner(command) != node).then(slots);
            let sent: Vec<&Cmd> = before.iter().chain([command]).chain(&after).collect();
            let mut replies = self.nodes[node].ask(door, &sent).await?;
            if before.is_some() {
                next(&mut replies)?;
            }
            reply = next(&mut replies);
            if let Some(Ok(slots)) = replies.next() {
                self.learn(&slots, node);
            }
        }
        Ok(reply)
    }

    /// The node that an error of `by` names, and whether it has the slot for good.
    fn named(&mut self, reply: &RedisResult<Value>, by: usize) -> Option<(usize, bool)> {
        let error = reply.as_ref().err()?;
        let (host, port) = error.redirect_node()?.0.rsplit_once(':')?;
        let moved = error.kind() == ErrorKind::Server(ServerErrorKind::Moved);
        Some((self.node(host, port.parse().ok()?, by)?, moved))
    }

    /// Takes over the map that `by` has.
    fn learn(&mut self, slots: &Value, by: usize) {
        let ranges = slots.as_sequence().unwrap_or_default();
        self.map = ranges.iter().filter_map(|range| self.range(range, by)).collect();
    }

    /// Slots from one to another, and their primary. Replicas are not asked.
    fn range(&mut self, range: &Value, by: usize) -> Option<(RangeInclusive<u16>, usize)> {
        let [Value::Int(first), Value::Int(last), primary, ..] = range.as_sequence()? else { return None };
        let [host, Value::Int(port), ..] = primary.as_sequence()? else { return None };
        let host = match host {
            Value::Nil => "",
            Value::BulkString(host) => str::from_utf8(host).ok()?,
            _ => return None,
        };
        let node = self.node(host, u16::try_from(*port).ok()?, by)?;
        Some((u16::try_from(*first).ok()?..=u16::try_from(*last).ok()?, node))
    }

    /// The node of this address, of which `by` tells: without a host it is at the same one, and at `?` nobody knows.
    fn node(&mut self, host: &str, port: u16, by: usize) -> Option<usize> {
        let host = match host {
            "?" => return None,
            "" => self.nodes[by].host.clone(),
            host => host.to_owned(),
        };
        let known = self.nodes.iter().position(|node| node.host == host && node.port == port);
        Some(known.unwrap_or_else(|| {
            self.nodes.push(Node { host, port, wire: None });
            self.nodes.len() - 1
        }))
    }

    /// The node to ask. Where the map has none, any: it names the one that has the slot, or says that nobody has.
    fn owner(&self, command: &Cmd) -> usize {
        let slot = key(command).map(slot);
        let owner = slot.and_then(|slot| self.map.iter().find(|(range, _)| range.contains(&slot)));
        owner.map_or(0, |(_, node)| *node)
    }
}

impl Node {
    /// Sends all commands at once, over a connection that is opened where there is none.
    async fn ask(&mut self, door: &Door, commands: &[&Cmd]) -> RedisResult<Answers> {
        let wire = match &mut self.wire {
            Some(wire) => wire,
            none => none.insert(door.open(&self.host, self.port).await?),
        };
        Ok(wire.send(commands.iter().copied()).await?.into_iter())
    }
}

type Answers = std::vec::IntoIter<RedisResult<Value>>;

/// There is one for each command that was sent.
fn next(answers: &mut Answers) -> RedisResult<Value> {
    answers.next().unwrap_or_else(|| Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()))
}

fn slots() -> Cmd {
    let mut slots = cmd("CLUSTER");
    slots.arg("SLOTS");
    slots
}

/// The first key of a script's call, which is its verb, the script, how many keys there are, and then they.
fn key(command: &Cmd) -> Option<&[u8]> {
    let mut arguments = command.args_iter().skip(2);
    match (arguments.next()?, arguments.next()?) {
        (Arg::Simple(count), Arg::Simple(key)) if count != b"0" => Some(key),
        _ => None,
    }
}

/// [Where a key belongs](https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/): by what stands in
/// its first braces, or by all of it.
fn slot(key: &[u8]) -> u16 {
    let tag = key.splitn(2, |byte| *byte == b'{').nth(1).and_then(|rest| {
        let end = rest.iter().position(|byte| *byte == b'}')?;
        (end > 0).then_some(&rest[..end])
    });
    crc16(tag.unwrap_or(key)) % 16_384
}

/// CRC-16/XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    let shifted = |crc: u16| if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
    bytes.iter().fold(0, |crc, byte| (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| shifted(crc)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_where_redis_says() {
        assert_eq!(crc16(b"123456789"), 0x31C3, "the published check value");
        // What CLUSTER KEYSLOT answers.
        let told: [(&[u8], u16); 6] = [
            (b"", 0),
            (b"somekey", 11_058),
            (b"foo{hash}", 238),
            (b"{hash}}bar{other}", 238),
            (b"foo{}{hash}", 13_324),
            (b"foo{hash", 7_948),
        ];
        for (key, expected) in told {
            assert_eq!(slot(key), expected, "{}", String::from_utf8_lossy(key));
        }
    }
}
