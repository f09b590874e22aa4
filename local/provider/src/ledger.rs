//! The provider's truth: intents, charges, refunds, and the answers that idempotency keys replay.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::ApiError;
use super::journal::Journal;

/// A `PaymentIntent`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Intent {
    pub(super) id: String,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) status: Status,
    pub(super) payment_method: Option<String>,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) client_secret: String,
    pub(super) created: i64,
    pub(super) latest_charge: Option<String>,
    pub(super) last_payment_error: Option<Value>,
}

/// Where an intent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    RequiresPaymentMethod,
    RequiresConfirmation,
    RequiresAction,
    Processing,
    Succeeded,
    Canceled,
}

/// An attempt to take money: only `succeeded` moved any.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Charge {
    pub(super) id: String,
    pub(super) payment_intent: String,
    pub(super) amount: i64,
    pub(super) amount_refunded: i64,
    pub(super) currency: String,
    pub(super) status: ChargeStatus,
    pub(super) failure_code: Option<String>,
    pub(super) created: i64,
}

/// How a charge ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ChargeStatus {
    Succeeded,
    Pending,
    Failed,
}

/// Money given back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Refund {
    pub(super) id: String,
    pub(super) charge: String,
    pub(super) payment_intent: String,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) created: i64,
}

/// The first answer that a key got, and to what.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) request: String,
    pub(super) status: u16,
    pub(super) body: Value,
}

/// One fact. What happens together is written together.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fact {
    Intent(Intent),
    Charge(Charge),
    Refund(Refund),
    Key {
        key: String,
        kept: Kept,
    },
    KeysPruned,
    /// Keys of these orders are forgotten, and their intents a day older.
    DayPassed {
        orders: Vec<String>,
    },
    IntentsForgotten,
}

/// Everything known.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) intents: BTreeMap<String, Intent>,
    pub(super) charges: BTreeMap<String, Charge>,
    pub(super) refunds: BTreeMap<String, Refund>,
    pub(super) keys: HashMap<String, Kept>,
}

/// The state and the journal that outlives it.
#[derive(Debug)]
pub(super) struct Ledger {
    journal: Journal,
    pub(super) state: State,
}

impl Ledger {
    /// Takes up what an earlier process left in `folder`.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let (journal, changes) = Journal::open::<Vec<Fact>>(&folder.join("payments.jsonl"))?;
        let mut state = State::default();
        for fact in changes.into_iter().flatten() {
            state.apply(fact);
        }
        Ok(Self { journal, state })
    }

    /// Writes the facts down, then believes them: all or none.
    pub(super) fn commit(&mut self, facts: Vec<Fact>) -> io::Result<()> {
        if facts.is_empty() {
            return Ok(());
        }
        self.journal.append(&facts)?;
        for fact in facts {
            self.state.apply(fact);
        }
        Ok(())
    }
}

impl State {
    fn apply(&mut self, fact: Fact) {
        match fact {
            Fact::Intent(intent) => drop(self.intents.insert(intent.id.clone(), intent)),
            Fact::Charge(charge) => drop(self.charges.insert(charge.id.clone(), charge)),
            Fact::Refund(refund) => drop(self.refunds.insert(refund.id.clone(), refund)),
            Fact::Key { key, kept } => drop(self.keys.insert(key, kept)),
            Fact::KeysPruned => self.keys.clear(),
            Fact::DayPassed { orders } => self.pass_day(&orders),
            Fact::IntentsForgotten => self.intents.clear(),
        }
    }

    fn pass_day(&mut self, orders: &[String]) {
        self.keys.retain(|key, _| !orders.iter().any(|order| key.contains(order.as_str())));
        for intent in self.intents.values_mut() {
            if intent.metadata.get("order_id").is_some_and(|order| orders.contains(order)) {
                intent.created -= 24 * 60 * 60;
            }
        }
    }

    /// The intent, or Stripe's error.
    pub(super) fn intent(&self, id: &str) -> Result<&Intent, ApiError> {
        self.intents.get(id).ok_or_else(|| ApiError::missing("payment_intent", id))
    }

    /// The intent's latest charge.
    pub(super) fn charge_of(&self, intent: &Intent) -> Option<&Charge> {
        intent.latest_charge.as_ref().and_then(|id| self.charges.get(id))
    }

    /// The ledger for an auditor: every object with the order it belongs to.
    pub(super) fn audit(&self) -> Value {
        let order =
            |intent: &str| self.intents.get(intent).and_then(|intent| intent.metadata.get("order_id"));
        let intents = self.intents.values().map(|intent| {
            json!({
                "id": intent.id, "order_id": intent.metadata.get("order_id"), "status": intent.status,
                "amount": intent.amount, "currency": intent.currency, "created": intent.created,
                "latest_charge": intent.latest_charge,
            })
        });
        let charges = self.charges.values().map(|charge| {
            json!({
                "id": charge.id, "payment_intent": charge.payment_intent, "order_id": order(&charge.payment_intent),
                "status": charge.status, "amount": charge.amount, "amount_refunded": charge.amount_refunded,
                "currency": charge.currency, "failure_code": charge.failure_code, "created": charge.created,
            })
        });
        let refunds = self.refunds.values().map(|refund| {
            json!({
                "id": refund.id, "charge": refund.charge, "payment_intent": refund.payment_intent,
                "order_id": order(&refund.payment_intent), "amount": refund.amount, "currency": refund.currency,
                "created": refund.created,
            })
        });
        json!({
            "intents": intents.collect::<Vec<_>>(), "charges": charges.collect::<Vec<_>>(),
            "refunds": refunds.collect::<Vec<_>>(), "keys": self.keys.len(),
        })
    }
}
