//! Telling the caches that products changed: all of them, in one command.

use super::{Changed, FEATURED_KEY};
use crate::cache::{Cache, Invalidate, Renew};
use crate::redis::{Calls, Command, Replies};

/// What the log says where Redis did not confirm every invalidation of an update, beside `product` and `version`:
/// readers may get the older product until a sweep. The audit of `./dev chaos` excuses no other read.
pub const INVALIDATION_LOST: &str = "invalidation lost";

/// A command for after the commit of some changes. Harmless to repeat.
#[must_use = "a command does nothing until it is sent in a batch"]
pub struct Announcement(Vec<Invalidate>, Invalidate, Renew);

impl Announcement {
    /// Tells each product's own entry in `products`, the `featured` list and all answers to `searches`.
    pub(crate) fn new(changed: &[Changed], products: &Cache, featured: &Cache, searches: &Cache) -> Self {
        let own = changed.iter().map(|product| products.invalidate(&product.id.to_string(), product.version));
        Self(own.collect(), featured.evict(FEATURED_KEY), searches.renew())
    }
}

impl Command for Announcement {
    /// How many invalidations Redis did not confirm: if any, readers may get what was before until it is announced
    /// again.
    type Output = usize;

    fn calls(&self, calls: &mut Calls) {
        let Self(products, featured, searches) = self;
        products.calls(calls);
        featured.calls(calls);
        searches.calls(calls);
    }

    fn read(self, replies: &mut Replies) -> usize {
        let Self(products, featured, searches) = self;
        let mut delivered = products.read(replies);
        delivered.extend([featured.read(replies), searches.read(replies)]);
        delivered.into_iter().filter(|delivered| !delivered).count()
    }
}
