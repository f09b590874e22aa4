//! Kill points: the gaps between two steps at which a process may die, each with a name.
//!
//! Whatever stands behind "a crash between any two steps costs time and nothing else" has to be tried at every gap, not
//! only where a signal happens to arrive. The chaos run (`./dev chaos`) builds the functions with the feature
//! `kill-points` and has them kill themselves here. Without the feature, as in everything that is deployed, reaching a
//! point does nothing and costs nothing.

#[cfg(any(feature = "kill-points", test))]
mod killing;

/// Declares the points, each with its name and what has just happened.
macro_rules! kill_points {
    ($($(#[doc = $doc:literal])+ $point:ident = $name:literal,)+) => {
        /// A gap between two steps.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum KillPoint {
            $($(#[doc = $doc])+ $point,)+
        }

        impl KillPoint {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$point,)+];

            /// Its name in logs and tables.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$point => $name,)+
                }
            }
        }
    };
}

kill_points! {
    /// A checkout was admitted; nothing is written.
    BeforePlace = "before-place",
    /// The order is placed; nothing is known to the provider.
    AfterPlace = "after-place",
    /// The provider has an intent that nobody else knows of.
    AfterCreate = "after-create",
    /// It is stored that a charge is asked for; nothing is asked.
    AfterRemember = "after-remember",
    /// Charged, perhaps; nobody knows.
    AfterConfirm = "after-confirm",
    /// The intent was looked at; nothing is written.
    AfterLook = "after-look",
    /// The intent is cancelled, or paid after all; nothing is written.
    AfterCancel = "after-cancel",
    /// The money went back; nothing is written.
    AfterRefund = "after-refund",
    /// The breaker knows how the provider did; nothing is written.
    AfterReport = "after-report",
    /// The step is written down; nobody is nudged or answered.
    AfterSettle = "after-settle",
    /// A message is sent; nobody is answered.
    AfterNudge = "after-nudge",
    /// The breaker let a call through; nobody holds the order.
    BeforeClaim = "before-claim",
    /// The order's lease is taken; nothing is done with it.
    AfterClaim = "after-claim",
    /// The order is put off; its message is not acknowledged.
    AfterPostpone = "after-postpone",
    /// A batch of messages is handled; none is acknowledged.
    AfterBatch = "after-batch",
    /// A provider's event is verified; nothing is written.
    BeforeDue = "before-due",
    /// The event's order is due; nobody is nudged.
    AfterDue = "after-due",
    /// Due orders were put off by a minute; nobody is nudged.
    AfterTakeDue = "after-take-due",
    /// Some due orders' messages are sent, others not.
    AfterSendBatch = "after-send-batch",
    /// A product was read for the cache; it is not stored there.
    BeforeStore = "before-store",
    /// A product is changed; its cached copy is the older one.
    AfterUpdate = "after-update",
    /// The cached copy is invalidated; nobody is answered.
    AfterInvalidate = "after-invalidate",
    /// A batch of a file is read; nothing of it is written.
    BeforeImport = "before-import",
    /// A batch of a file is written; no cache knows.
    AfterImport = "after-import",
    /// All of a file is written; nobody is told that it is.
    BeforeImportEnds = "before-import-ends",
}

impl KillPoint {
    /// The process is here, and may die of it.
    pub fn reached(self) {
        #[cfg(any(feature = "kill-points", test))]
        killing::consider(self.name());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kill_point_has_a_name_of_its_own() {
        let names: BTreeSet<_> = KillPoint::ALL.iter().map(|point| point.name()).collect();
        assert_eq!(names.len(), KillPoint::ALL.len());
    }
}
