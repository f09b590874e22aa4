//! Random orders of lookups, origin reads, stores, updates, invalidations and evictions of one key, through the public
//! door and on a real Redis. Whatever the order, no reader gets a value from before an update that was acknowledged
//! when the reader came.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use bytes::Bytes;
use fastrand::Rng;
use futures::poll;
use shared::cache::{Cache, Entry, LookedUp, Region};
use shared::redis::Redis;
use tokio::sync::oneshot;

use crate::agreement::depth;
use crate::server::Server;

const HISTORIES: u64 = 10_000;
const READERS: usize = 4;
const UPDATES: i64 = 3;
/// Where the generation of the region is kept, where it has one.
const GENERATION: &str = "cache:{product}";

type Answer = Pin<Box<dyn Future<Output = Result<Option<Entry>, ()>>>>;

/// The origin, and what its writers know.
#[derive(Default)]
struct World {
    committed: Cell<i64>,
    acknowledged: Cell<i64>,
}

enum Reader {
    Away,
    /// Has its lookup's answer; `least` is what was acknowledged before it asked.
    LookedUp {
        least: i64,
        looked_up: LookedUp,
    },
    /// Has read the origin, and will store what it read once the gate opens.
    Filling {
        least: i64,
        answer: Answer,
        gate: oneshot::Sender<()>,
    },
    Done,
}

struct History {
    key: String,
    redis: Redis,
    cache: Cache,
    /// Of the cache.
    region: Region,
    raw: Rc<RefCell<::redis::Connection>>,
    world: Rc<World>,
    readers: Vec<Reader>,
    /// Committed, and not yet announced.
    unannounced: Vec<i64>,
}

impl History {
    fn entry(version: i64) -> Entry {
        Entry { body: Bytes::from(format!("[{version}]")), version }
    }

    fn check(least: i64, answer: Result<Option<Entry>, ()>) -> Result<(), String> {
        let version = answer.ok().flatten().map_or(-1, |entry| entry.version);
        if version < least {
            Err(format!("version {version} after {least} was acknowledged"))
        } else {
            Ok(())
        }
    }

    async fn step_reader(&mut self, which: usize) -> Result<(), String> {
        let reader = std::mem::replace(&mut self.readers[which], Reader::Done);
        self.readers[which] = match reader {
            Reader::Away => {
                let least = self.world.acknowledged.get();
                let looked_up = self.redis.batch(self.cache.lookup(&self.key)).await;
                Reader::LookedUp { least, looked_up }
            }
            Reader::LookedUp { least, looked_up } => {
                let (gate, opened) = oneshot::channel();
                let (world, has_read) = (self.world.clone(), Rc::new(Cell::new(false)));
                let read = has_read.clone();
                let mut answer: Answer = Box::pin(looked_up.or_fill(async move || {
                    read.set(true);
                    let version = world.committed.get();
                    let _ = opened.await;
                    Ok(Some(Self::entry(version)))
                }));
                match poll!(&mut answer) {
                    Poll::Ready(answer) => {
                        Self::check(least, answer)?;
                        Reader::Done
                    }
                    Poll::Pending if has_read.get() => Reader::Filling { least, answer, gate },
                    // It waits for another's fill. That is another test.
                    Poll::Pending => Reader::Done,
                }
            }
            Reader::Filling { least, answer, gate } => {
                let _ = gate.send(());
                Self::check(least, answer.await)?;
                Reader::Done
            }
            Reader::Done => Reader::Done,
        };
        Ok(())
    }

    async fn announce(&mut self, which: usize) {
        let version = self.unannounced.swap_remove(which);
        let delivered = if self.region.in_generations {
            self.redis.batch(self.cache.renew()).await
        } else {
            self.redis.batch(self.cache.invalidate(&self.key, version)).await
        };
        assert!(delivered, "Redis is there");
        self.world.acknowledged.set(self.world.acknowledged.get().max(version));
    }

    fn raw(&self, command: &str, key: &str, arguments: &[&str]) {
        let mut cmd = ::redis::cmd(command);
        cmd.arg(key).arg(arguments).exec(&mut *self.raw.borrow_mut()).expect("accepted");
    }

    fn cache_key(&self) -> String {
        let region = if self.region.in_generations { GENERATION } else { "cache:product" };
        format!("{region}:{}", self.key)
    }

    async fn run(&mut self, random: &mut Rng) -> Result<(), String> {
        loop {
            let active: Vec<usize> =
                (0..READERS).filter(|i| !matches!(self.readers[*i], Reader::Done)).collect();
            if active.is_empty() {
                return Ok(());
            }
            match random.u8(0..20) {
                0..12 => self.step_reader(active[random.usize(..active.len())]).await?,
                12..15 if self.world.committed.get() <= UPDATES => {
                    self.world.committed.set(self.world.committed.get() + 1);
                    self.unannounced.push(self.world.committed.get());
                }
                15..18 if !self.unannounced.is_empty() => {
                    self.announce(random.usize(..self.unannounced.len())).await;
                }
                18 if random.bool() => self.raw("DEL", GENERATION, &[]),
                18 => self.raw("DEL", &self.cache_key(), &[]),
                // The lease, and the time for which the value is fresh, are over.
                19 => self.raw("HSET", &self.cache_key(), &["lease", "0", "fresh", "0"]),
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn no_reader_gets_a_value_from_before_an_acknowledged_update() {
    no_reader_gets_the_past(Region::new("product")).await;
}

#[tokio::test]
async fn no_reader_gets_a_value_from_before_an_acknowledged_update_that_began_a_generation() {
    no_reader_gets_the_past(Region::new("product").in_generations()).await;
}

async fn no_reader_gets_the_past(region: Region) {
    let server = Server::start();
    let redis = server.client();
    let cache = Cache::new(region, redis.clone());
    let raw = Rc::new(RefCell::new(server.raw()));
    for seed in 0..HISTORIES * u64::from(depth()) {
        let world = Rc::new(World { committed: Cell::new(1), acknowledged: Cell::new(1) });
        let mut history = History {
            key: seed.to_string(),
            redis: redis.clone(),
            cache: cache.clone(),
            region,
            raw: raw.clone(),
            world,
            readers: (0..READERS).map(|_| Reader::Away).collect(),
            unannounced: Vec::new(),
        };
        let outcome = history.run(&mut Rng::with_seed(seed)).await;
        assert_eq!(outcome, Ok(()), "in the history with seed {seed}");
    }
}
