//! One order, charged by one call: two workers, a customer who submits again and cancels, a provider, a webhook, and
//! whatever may go wrong.
//!
//! The order's own rules are the machine's (`orders/life.rs`); who asks the provider what, and when, is
//! `checkout/provider.rs` written a second time, small. Guards can be taken away, to see that each is needed.

use shared::orders::OrderStatus::{
    self, ActionRequired, Cancelled, Cancelling, Charging, Deferred, Failed, Paid,
};
use shared::orders::life::Event;
use stateright::{Model, Property};

use super::{check, shortest};
use crate::agreement::depth;

/// What keeps money and stock right. Each is taken away in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Guard {
    /// The key's first use is stored before it is sent.
    StoredFirst,
    /// Every try of the one call has the same key.
    SameKey,
    /// A key that says a failure for ever is followed by a look, before another is used.
    LookAtSpent,
    /// A key that may be forgotten is not used again.
    ForgottenKeys,
    /// Before an order ends whose payment is not known, its key is used for something that charges nothing.
    Fence,
    /// A look that may not have seen everything tells nothing.
    LaggingLook,
    /// Only who used the key first may take it for unused, where nothing could be sent.
    UnsentOnlyIfFirst,
    /// Nobody writes who has lost the lease.
    CompareAndSet,
}

const GUARDS: [Guard; 8] = [
    Guard::StoredFirst,
    Guard::SameKey,
    Guard::LookAtSpent,
    Guard::ForgottenKeys,
    Guard::Fence,
    Guard::LaggingLook,
    Guard::UnsentOnlyIfFirst,
    Guard::CompareAndSet,
];

struct Checkout {
    missing: Option<Guard>,
    faults: u8,
}

/// How an intent stands at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Standing {
    Untouched,
    Authenticate,
    Declined,
    Charged {
        /// After the order's deadline.
        late: bool,
    },
    Cancelled,
    GivenBack,
}

/// What the bank says in time; whether it is, the state knows.
const CHARGED: Standing = Standing::Charged { late: false };

/// What an event of the provider's tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    /// Made, to be authenticated, declined, cancelled.
    Other,
    Paid,
    GivenBack,
}

impl Standing {
    /// Events of its past and present. Each may come late, again, or after a younger one; or never.
    fn events(self) -> &'static [News] {
        match self {
            Self::Untouched | Self::Authenticate | Self::Declined | Self::Cancelled => &[News::Other],
            Self::Charged { .. } => &[News::Other, News::Paid],
            Self::GivenBack => &[News::Other, News::Paid, News::GivenBack],
        }
    }
}

/// What is asked of the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Ask {
    /// Create and confirm, under the order's key.
    Pay,
    /// Create only, under the same key: whoever comes later cannot charge with it.
    Fence,
    /// Is there any intent of this order?
    Find,
    /// Create, under another key.
    Create,
    /// Under the key of the worker's attempt.
    Confirm(u8),
    Look(u8),
    /// A look, to confirm under another key where nothing was tried.
    Renew(u8),
    Cancel(u8),
    Refund(u8),
}

/// How the provider, or the way to it, treats a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Fate {
    /// The bank takes the card, refuses it, or asks for its holder.
    Well(Standing),
    /// Done, and the answer is lost.
    ReplyLost,
    NeverSent,
    /// A failure that the key will say for ever; done all the same, or not.
    Failed {
        done: bool,
    },
    /// A look that sees only what is older.
    Lagging,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Heard {
    Stands(u8),
    Nothing,
    Spent,
    KeyReused,
    NeverSent,
    Unknown,
}

/// How old the first use of the key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Age {
    /// Under an hour: it is used again.
    Young,
    /// It is known at the provider, and charges nothing new any more.
    Old,
    /// The provider may have forgotten it. Whoever was at work then is long gone.
    Forgotten,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Doing {
    Ask(Ask),
    /// Writes down, then asks.
    Store(Option<u8>, Ask),
    Settle {
        event: Event,
        unsent: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Worker {
    /// As taken.
    status: OrderStatus,
    attempt: u8,
    intent: Option<u8>,
    age: Age,
    overdue: bool,
    /// Its is the first use of the key.
    first: bool,
    /// It goes on under a key of its own, where that of the order is spent.
    again: bool,
    doing: Doing,
}

/// The keys but the first that say a failure for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Spent {
    create: bool,
    refund: bool,
    /// One bit for each attempt.
    confirm: u8,
}

/// What the key has been used for, and what it says for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    pays: bool,
    says: Heard,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    status: OrderStatus,
    /// Which worker holds the lease.
    lease: Option<u8>,
    due: bool,
    /// How often a charge was asked for, under a key each.
    attempt: u8,
    intent: Option<u8>,
    overdue: bool,
    age: Age,
    given_back: u8,
    workers: [Option<Worker>; 2],
    key: Option<Key>,
    spent: Spent,
    intents: Vec<Standing>,
    /// The first final answer to whoever submits under the order's key.
    told: Option<OrderStatus>,
    faults: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Claim(u8),
    Cancel(u8),
    /// The provider gets what the worker asks.
    Ask(u8, Fate),
    /// The worker writes to the database.
    Write(u8),
    Crash(u8),
    /// The holder stands still for longer than its lease.
    LeaseEnds,
    Deadline,
    Ages,
    Authenticates(u8),
    Webhook(u8, News),
    /// The customer submits again under the same key.
    Submit,
}

impl Worker {
    fn ends(&self) -> bool {
        self.status == Cancelling || self.overdue && matches!(self.status, Charging | ActionRequired)
    }

    fn settle(event: Event) -> Doing {
        Doing::Settle { event, unsent: false }
    }

    /// What is done first with an order as it was taken.
    fn begin(&self, missing: Option<Guard>) -> Doing {
        let pay_again = match self.age {
            Age::Young => Ask::Pay,
            _ if missing == Some(Guard::ForgottenKeys) => Ask::Pay,
            Age::Old => Ask::Fence,
            Age::Forgotten => Ask::Find,
        };
        match (self.status, self.intent) {
            (OrderStatus::RefundPending, Some(intent)) => Doing::Ask(Ask::Refund(intent)),
            (Failed | Cancelled, Some(intent)) => Doing::Ask(Ask::Look(intent)),
            (Paid | OrderStatus::Refunded | Failed | Cancelled | OrderStatus::RefundPending, _) => {
                Self::settle(Event::NothingNew)
            }
            (_, Some(intent)) if self.ends() => Doing::Ask(Ask::Cancel(intent)),
            (_, None) if self.ends() && self.attempt == 0 => Self::settle(Event::Cancelled),
            (_, None) if self.ends() => Doing::Ask(match self.age {
                Age::Forgotten => Ask::Find,
                _ if missing == Some(Guard::Fence) => Ask::Find,
                _ => Ask::Fence,
            }),
            (ActionRequired, Some(intent)) => Doing::Ask(Ask::Look(intent)),
            (ActionRequired, None) => Self::settle(Event::PutOff),
            (_, Some(intent)) => Doing::Ask(Ask::Confirm(intent)),
            (_, None) if self.attempt > 0 => Doing::Ask(pay_again),
            (_, None) if missing == Some(Guard::StoredFirst) => Doing::Ask(Ask::Pay),
            (_, None) => Doing::Store(None, Ask::Pay),
        }
    }

    /// What is done next after an answer; `standing` is how the intent stands that was shown.
    fn hears(&self, ask: Ask, heard: Heard, standing: Option<Standing>, missing: Option<Guard>) -> Doing {
        match (ask, heard) {
            (Ask::Fence | Ask::Pay | Ask::Find, Heard::Stands(intent)) if self.ends() => {
                Doing::Ask(Ask::Cancel(intent))
            }
            (Ask::Fence | Ask::Create | Ask::Find, Heard::Stands(intent)) => {
                Doing::Store(Some(intent), Ask::Confirm(intent))
            }
            (Ask::Pay | Ask::Fence, Heard::Spent) if missing == Some(Guard::LookAtSpent) && !self.ends() => {
                Doing::Ask(Ask::Create)
            }
            // Used to pay with, it is asked the same again: it says what came of that, and does no more.
            (Ask::Fence, Heard::KeyReused) => Doing::Ask(Ask::Pay),
            // It says a failure for ever, or was used to charge nothing.
            (Ask::Pay | Ask::Fence, Heard::Spent) | (Ask::Pay, Heard::KeyReused) => Doing::Ask(Ask::Find),
            (Ask::Find, Heard::Nothing) if self.ends() => Self::settle(Event::Cancelled),
            (Ask::Find, Heard::Nothing) => Doing::Ask(Ask::Create),
            // Under a key of the worker's own.
            (Ask::Create | Ask::Refund(_), Heard::Spent) => Doing::Ask(ask),
            (Ask::Confirm(intent), Heard::Spent) => Doing::Ask(Ask::Renew(intent)),
            (Ask::Renew(intent), Heard::Stands(_)) if standing == Some(Standing::Untouched) => {
                Doing::Store(Some(intent), Ask::Confirm(intent))
            }
            (Ask::Pay | Ask::Confirm(_), Heard::NeverSent)
            | (Ask::Create, Heard::NeverSent | Heard::Unknown)
                if !self.ends() =>
            {
                let sure = self.first || missing == Some(Guard::UnsentOnlyIfFirst);
                Doing::Settle { event: Event::PutOff, unsent: ask == Ask::Pay && sure }
            }
            (_, Heard::Stands(_)) => Self::settle(self.means(standing.unwrap_or(Standing::Untouched))),
            _ => Self::settle(Event::NothingNew),
        }
    }

    fn means(&self, standing: Standing) -> Event {
        let unwanted = self.status == Cancelling || self.status.is_final();
        match standing {
            Standing::Charged { late } if unwanted || self.ends() && late => Event::Unwanted,
            Standing::Charged { .. } => Event::Charged,
            Standing::GivenBack => Event::Refunded,
            _ if self.status.is_final() => Event::NothingNew,
            Standing::Cancelled => Event::Cancelled,
            Standing::Declined => Event::Declined,
            Standing::Authenticate => Event::AuthenticationAsked,
            Standing::Untouched => Event::NothingNew,
        }
    }
}

impl Spent {
    /// Whether the key under which a worker asks says a failure for ever.
    fn says(self, worker: &Worker, ask: Ask) -> bool {
        match ask {
            Ask::Create => self.create && !worker.again,
            Ask::Refund(_) => self.refund && !worker.again,
            Ask::Confirm(_) => self.confirm & 1 << worker.attempt != 0,
            _ => false,
        }
    }

    /// It does from now on. A worker's own key dies with the worker.
    fn note(&mut self, worker: &Worker, ask: Ask) {
        match ask {
            Ask::Create => self.create = true,
            Ask::Refund(_) => self.refund = true,
            Ask::Confirm(_) => self.confirm |= 1 << worker.attempt,
            _ => {}
        }
    }
}

impl State {
    fn take(&mut self, worker: u8, event: Event, missing: Option<Guard>) -> Option<()> {
        let next = self.status.step(event).filter(|_| self.lease.is_none())?;
        (event != Event::Claimed || self.status.may_be_claimed(self.due)).then_some(())?;
        self.status = next.status;
        self.lease = Some(worker);
        let (attempt, intent, age, overdue) = (self.attempt, self.intent, self.age, self.overdue);
        let (first, again, doing) = (false, false, Worker::settle(Event::NothingNew));
        let mut taken = Worker { status: next.status, attempt, intent, age, overdue, first, again, doing };
        taken.doing = taken.begin(missing);
        self.workers[usize::from(worker)] = Some(taken);
        Some(())
    }

    /// The provider gets what a worker asks, and answers.
    fn provider(&mut self, worker: &Worker, ask: Ask, fate: Fate, missing: Option<Guard>) -> Heard {
        let told = if let Fate::Well(standing) = fate { standing } else { CHARGED };
        let charged = Standing::Charged { late: self.overdue };
        let bank = if told == CHARGED { charged } else { told };
        if fate == Fate::NeverSent {
            return Heard::NeverSent;
        }
        if self.spent.says(worker, ask) {
            return Heard::Spent;
        }
        if matches!(fate, Fate::Failed { .. }) {
            self.spent.note(worker, ask);
        }
        let heard = match fate {
            Fate::Failed { done: false } if !matches!(ask, Ask::Pay | Ask::Fence) => Heard::Unknown,
            _ => self.does(ask, bank, fate, missing),
        };
        let is_lost = matches!(fate, Fate::ReplyLost | Fate::Failed { .. });
        if is_lost { Heard::Unknown } else { heard }
    }

    /// The provider does as it is asked.
    fn does(&mut self, ask: Ask, bank: Standing, fate: Fate, missing: Option<Guard>) -> Heard {
        match ask {
            Ask::Find if fate == Fate::Lagging && missing == Some(Guard::LaggingLook) => Heard::Nothing,
            Ask::Find if fate == Fate::Lagging => Heard::Unknown,
            // One on which something was tried, before any other.
            Ask::Find => (0_u8..)
                .zip(&self.intents)
                .max_by_key(|(_, standing)| **standing != Standing::Untouched)
                .map_or(Heard::Nothing, |(intent, _)| Heard::Stands(intent)),
            Ask::Create => self.make(Standing::Untouched),
            Ask::Pay | Ask::Fence => self.keyed(ask == Ask::Pay, bank, fate, missing),
            Ask::Look(intent) | Ask::Renew(intent) => Heard::Stands(intent),
            Ask::Confirm(intent) => self.change(intent, &[Standing::Untouched], bank),
            Ask::Cancel(intent) => {
                let open = [Standing::Untouched, Standing::Authenticate, Standing::Declined];
                self.change(intent, &open, Standing::Cancelled)
            }
            Ask::Refund(intent) => {
                let charged = [false, true].map(|late| Standing::Charged { late });
                self.change(intent, &charged, Standing::GivenBack)
            }
        }
    }

    fn keyed(&mut self, pays: bool, bank: Standing, fate: Fate, missing: Option<Guard>) -> Heard {
        if let Some(known) = self.key.filter(|_| !(pays && missing == Some(Guard::SameKey))) {
            return match known.says {
                _ if known.pays != pays => Heard::KeyReused,
                says => says,
            };
        }
        let says = match fate {
            Fate::Failed { done: false } => Heard::Spent,
            Fate::Failed { done: true } => {
                self.make(if pays { bank } else { Standing::Untouched });
                Heard::Spent
            }
            _ => self.make(if pays { bank } else { Standing::Untouched }),
        };
        self.key = Some(Key { pays, says });
        says
    }

    fn make(&mut self, standing: Standing) -> Heard {
        self.intents.push(standing);
        Heard::Stands(u8::try_from(self.intents.len() - 1).unwrap_or(u8::MAX))
    }

    fn change(&mut self, intent: u8, from: &[Standing], to: Standing) -> Heard {
        let standing = &mut self.intents[usize::from(intent)];
        if from.contains(standing) {
            *standing = to;
        }
        Heard::Stands(intent)
    }

    fn ask(&mut self, number: u8, fate: Fate, missing: Option<Guard>) -> Option<()> {
        let mut worker = self.workers[usize::from(number)]?;
        let Doing::Ask(ask) = worker.doing else { return None };
        let heard = self.provider(&worker, ask, fate, missing);
        worker.again |= heard == Heard::Spent && matches!(ask, Ask::Create | Ask::Refund(_));
        let standing = match heard {
            Heard::Stands(intent) => Some(self.intents[usize::from(intent)]),
            _ => None,
        };
        worker.doing = worker.hears(ask, heard, standing, missing);
        if let Heard::Stands(intent) = heard {
            worker.intent = Some(intent);
        }
        self.workers[usize::from(number)] = Some(worker);
        Some(())
    }

    fn write(&mut self, number: u8, missing: Option<Guard>) -> Option<()> {
        let mut worker = self.workers[usize::from(number)]?;
        let ours = self.lease == Some(number);
        match worker.doing {
            Doing::Ask(_) => return None,
            Doing::Store(intent, ask) => {
                let second = intent.is_some() && self.intent.is_some() && self.intent != intent;
                if !ours || second {
                    self.workers[usize::from(number)] = None;
                    return Some(());
                }
                worker.first = self.attempt == 0;
                worker.attempt = if intent.is_some() { worker.attempt + 1 } else { 1 };
                self.attempt = worker.attempt;
                self.intent = self.intent.or(intent);
                worker.intent = self.intent;
                worker.doing = Doing::Ask(ask);
                self.workers[usize::from(number)] = Some(worker);
            }
            Doing::Settle { event, unsent } => {
                self.workers[usize::from(number)] = None;
                let still = ours && self.status == worker.status || missing == Some(Guard::CompareAndSet);
                let Some(next) = worker.status.step(event).filter(|_| still) else { return Some(()) };
                self.status = next.status;
                self.lease = None;
                self.due = !next.status.is_final();
                self.intent = self.intent.or(worker.intent);
                self.attempt = if unsent { 0 } else { self.attempt };
                self.given_back += u8::from(next.gives_stock_back);
            }
        }
        Some(())
    }

    fn webhook(&mut self, intent: u8, news: News) {
        if self.attempt > 0 {
            self.intent.get_or_insert(intent);
        }
        let (paid, given_back) = (news == News::Paid, news == News::GivenBack);
        if self.intent == Some(intent) && self.status.is_due_by_news(paid, given_back) {
            self.due = true;
        }
    }

    fn standing_charges(&self) -> usize {
        self.intents.iter().filter(|standing| matches!(standing, Standing::Charged { .. })).count()
    }

    /// Once faults end, leases run out, the sweeper comes and the deadline passes, all is as it should be.
    fn ends_well(&self, missing: Option<Guard>) -> bool {
        let mut state = self.clone();
        (state.workers, state.lease) = ([None, None], None);
        for round in 0..6 {
            state.overdue |= round > 2;
            if state.take(0, Event::Claimed, missing).is_none() {
                break;
            }
            while let Some(worker) = state.workers[0] {
                let done = match worker.doing {
                    Doing::Ask(_) => state.ask(0, Fate::Well(CHARGED), missing),
                    _ => state.write(0, missing),
                };
                debug_assert!(done.is_some(), "a worker goes on");
            }
        }
        let paid = usize::from(state.status == Paid);
        let kept = u8::from(state.status != Paid);
        state.status.is_final() && state.standing_charges() == paid && state.given_back == kept
    }
}

impl Model for Checkout {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let deferred = State {
            status: Deferred,
            lease: None,
            due: true,
            attempt: 0,
            intent: None,
            overdue: false,
            age: Age::Young,
            given_back: 0,
            workers: [None, None],
            key: None,
            spent: Spent::default(),
            intents: Vec::new(),
            told: None,
            faults: self.faults,
        };
        // A checkout that charges now holds the lease, and has stored the key with the order.
        let worker = Worker {
            status: Charging,
            attempt: 1,
            intent: None,
            age: Age::Young,
            overdue: false,
            first: true,
            again: false,
            doing: Doing::Ask(Ask::Pay),
        };
        let placed = State {
            status: Charging,
            lease: Some(0),
            attempt: 1,
            workers: [Some(worker), None],
            ..deferred.clone()
        };
        vec![deferred, placed]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for worker in 0..2 {
            let Some(at_work) = state.workers[usize::from(worker)] else {
                actions.extend([Action::Claim(worker), Action::Cancel(worker)]);
                continue;
            };
            let Doing::Ask(ask) = at_work.doing else {
                actions.push(Action::Write(worker));
                if state.faults > 0 {
                    actions.push(Action::Crash(worker));
                }
                continue;
            };
            let outcomes = [CHARGED, Standing::Declined, Standing::Authenticate];
            match ask {
                Ask::Pay | Ask::Confirm(_) => {
                    actions.extend(outcomes.map(|standing| Action::Ask(worker, Fate::Well(standing))));
                }
                _ => actions.push(Action::Ask(worker, Fate::Well(CHARGED))),
            }
            if state.faults > 0 {
                actions.extend([Fate::ReplyLost, Fate::NeverSent].map(|fate| Action::Ask(worker, fate)));
                actions.push(Action::Crash(worker));
            }
            // A cancellation has no key: to fail and have done it is to lose the answer.
            let keyed = matches!(ask, Ask::Pay | Ask::Fence | Ask::Create | Ask::Confirm(_) | Ask::Refund(_));
            if state.faults > 0 && keyed {
                let failed = [false, true].map(|done| Action::Ask(worker, Fate::Failed { done }));
                actions.extend(failed);
            }
            if state.faults > 0 && ask == Ask::Find {
                actions.push(Action::Ask(worker, Fate::Lagging));
            }
        }
        actions.push(Action::LeaseEnds);
        if state.status.is_final() && state.told.is_none() {
            actions.push(Action::Submit);
        }
        if !state.overdue {
            actions.push(Action::Deadline);
        }
        if state.attempt > 0 && state.age < Age::Forgotten {
            actions.push(Action::Ages);
        }
        for (number, standing) in (0_u8..).zip(&state.intents) {
            if *standing == Standing::Authenticate {
                actions.push(Action::Authenticates(number));
            }
            actions.extend(standing.events().iter().map(|news| Action::Webhook(number, *news)));
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Claim(worker) => state.take(worker, Event::Claimed, self.missing)?,
            Action::Cancel(worker) => state.take(worker, Event::CancelAsked, self.missing)?,
            Action::Ask(worker, fate) => {
                state.faults -= u8::from(!matches!(fate, Fate::Well(_)));
                state.ask(worker, fate, self.missing)?;
            }
            Action::Write(worker) => state.write(worker, self.missing)?,
            Action::Crash(worker) => {
                state.faults -= 1;
                state.workers[usize::from(worker)] = None;
            }
            Action::LeaseEnds => {
                let holder = state.lease.take()?;
                // Nobody lives for ever: one holder at most stands still for so long.
                let alive = state.workers[usize::from(holder)].is_some();
                state.faults = state.faults.checked_sub(u8::from(alive))?;
            }
            Action::Deadline => state.overdue = true,
            Action::Ages => {
                state.age = if state.age == Age::Young { Age::Old } else { Age::Forgotten };
                if state.age == Age::Forgotten {
                    (state.key, state.workers, state.lease) = (None, [None, None], None);
                    state.spent = Spent::default();
                }
            }
            Action::Authenticates(intent) => {
                state.intents[usize::from(intent)] = Standing::Charged { late: state.overdue };
            }
            Action::Webhook(intent, news) => state.webhook(intent, news),
            Action::Submit => state.told = Some(state.status),
        }
        (state != *last && state.intents.len() <= 3).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always("at most one standing charge", |_, state: &State| state.standing_charges() <= 1),
            Property::always("stock goes back once", |_, state: &State| state.given_back <= 1),
            // Money may go back afterwards; nothing else.
            Property::always("the same key gets one answer", |_, state: &State| {
                let back = [OrderStatus::RefundPending, OrderStatus::Refunded];
                state.told.is_none_or(|told| told == state.status || back.contains(&state.status))
            }),
            // Without a webhook: all of them may be lost.
            Property::always("it ends well once faults end", |model: &Self, state: &State| {
                state.ends_well(model.missing)
            }),
        ];
        properties.extend(met());
        properties
    }
}

/// What is met on the way, or little would be shown.
fn met() -> Vec<Property<Checkout>> {
    vec![
        Property::sometimes("paid", |_, state: &State| state.status == Paid),
        Property::sometimes("cancelled", |_, state: &State| state.status == Cancelled),
        Property::sometimes("given back", |_, state: &State| state.status == OrderStatus::Refunded),
        Property::sometimes("charged, and nobody knows", |_, state: &State| {
            state.standing_charges() == 1 && state.status == Charging && state.workers == [None, None]
        }),
        Property::sometimes("charged after the deadline", |_, state: &State| {
            state.intents.contains(&Standing::Charged { late: true })
        }),
        Property::sometimes("a fence fails for ever", |_, state: &State| {
            state.key == Some(Key { pays: false, says: Heard::Spent })
        }),
        Property::sometimes("making a payment fails for ever", |_, state: &State| state.spent.create),
        Property::sometimes("confirming it fails for ever", |_, state: &State| state.spent.confirm != 0),
        Property::sometimes("giving it back fails for ever", |_, state: &State| state.spent.refund),
    ]
}

#[test]
fn an_order_is_charged_once_whatever_fails() {
    let faults = if depth() > 1 { 3 } else { 2 };
    check("an order, one call to the provider", Checkout { missing: None, faults });
}

#[test]
fn each_guard_of_an_order_is_needed() {
    for guard in GUARDS {
        shortest(&format!("{guard:?}"), &Checkout { missing: Some(guard), faults: 2 });
    }
}
