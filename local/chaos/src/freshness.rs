//! Who read which version of a product, and whether that was too old.
//!
//! An update is acknowledged although Redis did not confirm its invalidation in time; the shop then says so in its log,
//! and the next sweep invalidates the product again. So a read of an older version is excused only where the shop
//! itself has reported each invalidation that would have prevented it, and no sweep has made good for one of them
//! since.

use std::collections::BTreeSet;

use serde_json::Value;
use shared::catalog::INVALIDATION_LOST;
use tokio::time::Instant;
use uuid::Uuid;

use super::chronicle::{Span, Violation};
use super::shop;

/// Updates of products, sweeps, and the reads that fell behind.
#[derive(Clone, Debug, Default)]
pub(super) struct Freshness {
    updates: Vec<Update>,
    sweeps: Vec<Sweep>,
    reads: usize,
    behind: Vec<Read>,
    /// Invalidations that Redis did not confirm, by product and version, as the shop's log has them.
    lost: BTreeSet<(Uuid, i64)>,
}

/// An acknowledged update.
#[derive(Clone, Copy, Debug)]
struct Update {
    product: u32,
    version: i64,
    acknowledged: Instant,
}

/// A sweep all of whose invalidations Redis confirmed.
#[derive(Clone, Copy, Debug)]
struct Sweep {
    begun: Instant,
    done: Instant,
}

/// A reader that has begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader {
    product: u32,
    /// The last version that was acknowledged by then.
    floor: i64,
    begun: Instant,
    /// Where it looks.
    at: &'static str,
}

/// What a reader got, if it was older than its floor.
#[derive(Clone, Copy, Debug)]
struct Read {
    reader: Reader,
    version: i64,
}

impl Freshness {
    /// An administrator was told that this version is the product's.
    pub(super) fn updated(&mut self, product: u32, version: i64) {
        self.updates.push(Update { product, version, acknowledged: Instant::now() });
    }

    /// Somebody begins to read there, and must not fall behind what is acknowledged now.
    pub(super) fn reader(&self, product: u32, at: &'static str) -> Reader {
        let versions = self.updates.iter().filter(|update| update.product == product);
        let floor = versions.map(|update| update.version).max().unwrap_or_default();
        Reader { product, floor, begun: Instant::now(), at }
    }

    /// The reader got this version.
    pub(super) fn read(&mut self, reader: Reader, version: i64) {
        self.reads += 1;
        if version < reader.floor {
            self.behind.push(Read { reader, version });
        }
    }

    /// A sweep that began at `begun` has invalidated every product that changed lately.
    pub(super) fn swept(&mut self, begun: Instant) {
        self.sweeps.push(Sweep { begun, done: Instant::now() });
    }

    /// Takes from the log of the function that updates products which invalidations Redis did not confirm.
    pub(super) fn learn_losses(&mut self, log: &str) {
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let lost = lines.filter(|line| line["message"] == INVALIDATION_LOST);
        self.lost.extend(lost.filter_map(|line| {
            let product = line["product"].as_str()?.parse().ok()?;
            Some((product, line["version"].as_i64()?))
        }));
    }

    /// How many reads were looked at.
    pub(super) fn reads(&self) -> usize {
        self.reads
    }

    /// How many updates were acknowledged.
    pub(super) fn updates(&self) -> usize {
        self.updates.len()
    }

    /// How many acknowledged updates the shop has reported as not invalidated.
    pub(super) fn losses(&self) -> usize {
        self.updates.iter().filter(|update| self.is_lost(update)).count()
    }

    /// How many reads fell behind and are excused.
    pub(super) fn excused(&self) -> usize {
        self.behind.iter().filter(|read| self.excuses(read)).count()
    }

    /// The reads that fell behind without an excuse.
    pub(super) fn violations(&self) -> Vec<Violation> {
        let behind = self.behind.iter().filter(|read| !self.excuses(read));
        let words = |Read { reader: Reader { product, floor, at, begun }, version }: &Read| {
            let what =
                format!("product {product}: {at} showed version {version} after {floor} was acknowledged");
            Violation { what, when: Some(Span::at(*begun)) }
        };
        behind.map(words).collect()
    }

    fn excuses(&self, read: &Read) -> bool {
        let Read { reader: Reader { product, floor, begun, .. }, version } = *read;
        // The invalidation of each of these would have removed what was read.
        let missed =
            |update: &&Update| update.product == product && (version + 1..=floor).contains(&update.version);
        self.updates.iter().filter(missed).all(|update| {
            let healed = |sweep: &Sweep| sweep.begun > update.acknowledged && sweep.done < begun;
            self.is_lost(update) && !self.sweeps.iter().any(healed)
        })
    }

    fn is_lost(&self, update: &Update) -> bool {
        self.lost.contains(&(shop::product(update.product), update.version))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn loss(product: u32, version: i64) -> String {
        json!({ "level": "WARN", "message": INVALIDATION_LOST, "product": shop::product(product), "version": version })
            .to_string()
    }

    /// Versions 2 and 3 are acknowledged; the log has these losses.
    fn updated_twice(log: &[String]) -> Freshness {
        let mut freshness = Freshness::default();
        freshness.updated(1, 2);
        freshness.updated(1, 3);
        freshness.learn_losses(&log.join("\n"));
        freshness
    }

    /// A reader reads this version now; how many reads are excused and how many are not.
    fn read(freshness: &mut Freshness, version: i64) -> (usize, usize) {
        let reader = freshness.reader(1, "its page");
        freshness.read(reader, version);
        (freshness.excused(), freshness.violations().len())
    }

    #[test]
    fn a_read_behind_an_acknowledged_update_is_a_violation() {
        let mut freshness = updated_twice(&[]);
        assert_eq!(read(&mut freshness, 3), (0, 0));
        assert_eq!(read(&mut freshness, 2), (0, 1));
    }

    #[test]
    fn a_reader_that_began_before_the_update_may_get_the_older_version() {
        let mut freshness = Freshness::default();
        let reader = freshness.reader(1, "its page");
        freshness.updated(1, 2);
        freshness.read(reader, 1);
        assert!(freshness.violations().is_empty());
    }

    #[test]
    fn only_an_invalidation_that_the_shop_reported_lost_excuses_a_read_of_that_product_and_version() {
        let noise = ["no JSON".to_owned(), json!({ "message": "another", "version": 3 }).to_string()];
        for (lost, version, excused) in
            [((1, 3), 2, true), ((1, 2), 2, false), ((2, 3), 2, false), ((1, 3), 1, false)]
        {
            let mut freshness = updated_twice(&[&noise[..], &[loss(lost.0, lost.1)]].concat());
            assert_eq!(
                read(&mut freshness, version),
                if excused { (1, 0) } else { (0, 1) },
                "{lost:?} {version}"
            );
        }
    }

    #[test]
    fn a_read_behind_several_updates_is_excused_if_all_their_invalidations_were_lost() {
        let mut freshness = updated_twice(&[loss(1, 2), loss(1, 3)]);
        assert_eq!(read(&mut freshness, 1), (1, 0));
        assert_eq!(freshness.losses(), 2);
    }

    /// Until the clock shows another time.
    fn tick() {
        let now = Instant::now();
        while Instant::now() == now {}
    }

    #[test]
    fn a_sweep_after_the_update_and_before_the_reader_ends_the_excuse() {
        let before = Instant::now();
        tick();
        let mut freshness = updated_twice(&[loss(1, 2), loss(1, 3)]);
        tick();
        freshness.swept(before);
        assert_eq!(read(&mut freshness, 2), (1, 0), "the sweep may have looked before the update");
        let (begun, early) = (Instant::now(), freshness.reader(1, "its page"));
        tick();
        freshness.swept(begun);
        freshness.read(early, 2);
        assert_eq!(freshness.violations().len(), 0, "the reader may have read before the sweep");
        tick();
        assert_eq!(read(&mut freshness, 2), (2, 1));
    }
}
