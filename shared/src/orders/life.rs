//! The life of an order: which state follows from which event, and what comes with it.
//!
//! Pure: no clock, no database, no provider. `claim.sql`, `cancel.sql`, `attempt.sql`, `settle.sql`, `postpone.sql`,
//! `due.sql` and `due_by_intent.sql` do the same to rows; `tests/database/life.rs` holds them to it, history by
//! history, and draws the picture in docs/checkout.md from here.

use super::OrderStatus;
use OrderStatus::{
    ActionRequired, Cancelled, Cancelling, Charging, Deferred, Failed, Paid, RefundPending, Refunded,
};

/// What happens to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Somebody takes its lease, to bring it forward.
    Claimed,
    /// Its customer does not want it any more.
    CancelAsked,
    /// It was charged.
    Charged,
    /// Its customer's payment method was refused.
    Declined,
    /// Its customer has to authenticate the payment.
    AuthenticationAsked,
    /// Nothing is under way at the provider.
    PutOff,
    /// Its payment can never be charged.
    Cancelled,
    /// It was charged, and nobody wants it.
    Unwanted,
    /// The whole amount went back.
    Refunded,
    /// What had to go back did not arrive.
    RefundFailed,
    /// A look at it told nothing, or nothing new.
    NothingNew,
}

/// When somebody has to look at an order again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Due {
    /// Not before the provider has news of it.
    Never,
    /// At once.
    Now,
    /// After the wait that the step asks for, if it asks for one.
    AfterWait,
}

/// What an event makes of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Next {
    /// How it stands from now on.
    pub status: OrderStatus,
    /// When to look again.
    pub due: Due,
    /// Whether its stock goes back.
    pub gives_stock_back: bool,
    /// Whether news that came while somebody was at work are looked at afterwards.
    pub keeps_news: bool,
}

impl Event {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Claimed,
        Self::CancelAsked,
        Self::Charged,
        Self::Declined,
        Self::AuthenticationAsked,
        Self::PutOff,
        Self::Cancelled,
        Self::Unwanted,
        Self::Refunded,
        Self::RefundFailed,
        Self::NothingNew,
    ];
}

impl OrderStatus {
    /// Whether nothing happens to it any more, unless the provider has news of its payment.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Paid | Failed | Self::Cancelled | Refunded)
    }

    /// Whether its lease may be taken: while it is unfinished, and afterwards while it is `due` by news.
    #[must_use]
    pub const fn may_be_claimed(self, due: bool) -> bool {
        due || !self.is_final()
    }

    /// Whether news from the provider make an order due: any do while it is unfinished; afterwards only a charge where
    /// there should be none, or what may happen to money that was paid.
    #[must_use]
    pub const fn is_due_by_news(self, paid: bool, afterwards: bool) -> bool {
        match self {
            Charging | Deferred | ActionRequired | Cancelling => true,
            Failed | Self::Cancelled => paid,
            Paid | Refunded | RefundPending => afterwards,
        }
    }

    /// Whether news of what comes after a payment take the lease of whoever is charging it: that one would write down
    /// that it is paid, as it was asked before, and whoever comes next sees both.
    #[must_use]
    pub const fn loses_its_lease(self, afterwards: bool) -> bool {
        afterwards && matches!(self, Charging | ActionRequired)
    }

    /// What an event makes of an order that stands like this; `None` if it cannot happen to it.
    #[must_use]
    pub fn step(self, event: Event) -> Option<Next> {
        let status = self.follows(event)?;
        let due = match event {
            Event::Unwanted => Due::Now,
            // Some of it may have gone back already.
            Event::Charged => Due::AfterWait,
            _ if status.is_final() && event != Event::NothingNew => Due::Never,
            _ => Due::AfterWait,
        };
        let gives_stock_back = self.holds_stock() && status.wants_no_stock();
        // News of the payment itself say no more than that it is paid; those of later end the lease of who pays it.
        let keeps_news = status == self || status != Paid;
        Some(Next { status, due, gives_stock_back, keeps_news })
    }

    fn follows(self, event: Event) -> Option<Self> {
        Some(match (self, event) {
            (Charging | Deferred, Event::Claimed) => Charging,
            // Finished ones are looked at where the provider has news of them.
            (_, Event::Claimed) => self,
            (Deferred | ActionRequired, Event::CancelAsked) => Cancelling,
            // What follows is how a step ended, and whoever takes one has claimed the order before.
            (Deferred, _) => return None,
            (Charging | ActionRequired, Event::Charged) => Paid,
            (Charging | ActionRequired, Event::Declined) => Failed,
            (Charging | ActionRequired, Event::AuthenticationAsked) => ActionRequired,
            (Charging | ActionRequired, Event::PutOff) => Deferred,
            (Charging | ActionRequired | Cancelling, Event::Cancelled) => Cancelled,
            (Paid | RefundPending | Refunded, Event::Refunded) => Refunded,
            (Charging | ActionRequired | Cancelling | Failed | Cancelled, Event::Unwanted)
            | (Paid | RefundPending | Refunded, Event::RefundFailed) => RefundPending,
            (_, Event::NothingNew) => self,
            _ => return None,
        })
    }

    /// Pieces are kept for it that are not sold yet.
    const fn holds_stock(self) -> bool {
        matches!(self, Charging | Deferred | ActionRequired | Cancelling)
    }

    /// It will never be fulfilled. (Nor will one that was paid and given back; but its pieces may have gone out.)
    const fn wants_no_stock(self) -> bool {
        matches!(self, Failed | Self::Cancelled | RefundPending)
    }
}

/// The states and what leads from one to another, as Mermaid draws it.
#[must_use]
pub fn drawing() -> String {
    let mut lines = vec!["stateDiagram-v2".to_owned()];
    lines.extend(["charging", "deferred", "paid"].map(|status| format!("    [*] --> {status}")));
    for from in OrderStatus::ALL {
        for event in Event::ALL {
            let Some(next) = from.step(event).filter(|next| next.status != from) else { continue };
            let stock = if next.gives_stock_back { ", stock goes back" } else { "" };
            lines.push(format!("    {from} --> {}: {}{stock}", next.status, event.words()));
        }
    }
    lines.extend(
        OrderStatus::ALL
            .into_iter()
            .filter(|status| status.is_final())
            .map(|status| format!("    {status} --> [*]")),
    );
    lines.join("\n") + "\n"
}

impl Event {
    const fn words(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::CancelAsked => "its customer cancels",
            Self::Charged => "charged",
            Self::Declined => "declined",
            Self::AuthenticationAsked => "to be authenticated",
            Self::PutOff => "put off",
            Self::Cancelled => "payment cancelled",
            Self::Unwanted => "charged all the same",
            Self::Refunded => "given back",
            Self::RefundFailed => "a refund failed",
            Self::NothingNew => "nothing new",
        }
    }
}
