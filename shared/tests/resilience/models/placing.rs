//! The last piece, submitted twice under one key at the same moment, and wanted by somebody else as well.
//!
//! `place.sql` and `checkout/place.rs` written a second time, small: a statement sees what was committed when it began,
//! but for stock, which it reads under its lock, and the key, which is unique. What comes of an order that is placed is
//! `order`'s.

use stateright::{Model, Property};

use super::{check, shortest};

/// What keeps a key to one order. Each is taken away in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Guard {
    /// A customer's key is unique, and who comes second places nothing.
    UniqueKey,
    /// The stock is read under its lock.
    StockUnderLock,
    /// Who has placed nothing looks once more for an order of the key, before there is said to be too little stock.
    SecondLook,
    /// An order that nobody has told of its end yet is in progress.
    InProgress,
}

const GUARDS: [Guard; 4] = [Guard::UniqueKey, Guard::StockUnderLock, Guard::SecondLook, Guard::InProgress];

struct Placing {
    missing: Option<Guard>,
}

/// Submits 0 and 1 have one key; 2 is another customer's.
const SUBMITS: usize = 3;

fn key(submit: usize) -> usize {
    submit / 2
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Said {
    /// Of the order that it has placed, or that was there: how it ended.
    Paid,
    InProgress,
    OutOfStock,
    /// Nothing that a client could do anything about.
    Nonsense,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Doing {
    /// On its way.
    Comes,
    /// Its statement has begun, and sees no order of its key, and so many pieces.
    Places {
        pieces: i8,
    },
    /// It has placed nothing.
    LooksAgain {
        refused: bool,
    },
    /// It has placed an order and charges it.
    Charges,
    /// It died while it did.
    Dead,
    Answered(Said),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    submits: [Doing; SUBMITS],
    pieces: i8,
    /// How many orders each key has, and whether they have ended.
    orders: [u8; 2],
    ended: [bool; 2],
    /// Whether somebody has died already.
    died: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    /// A submit's next step.
    Goes(usize),
    Dies(usize),
    /// The worker brings an order to its end whose submit has died.
    Ends(usize),
    /// Who was told to wait submits again under the same key.
    Again(usize),
}

impl State {
    fn known(&self, submit: usize, missing: Option<Guard>) -> Option<Doing> {
        let ended = self.ended[key(submit)] || missing == Some(Guard::InProgress);
        let said = if ended { Said::Paid } else { Said::InProgress };
        (self.orders[key(submit)] > 0).then_some(Doing::Answered(said))
    }

    fn goes(&mut self, submit: usize, missing: Option<Guard>) -> Option<()> {
        let lacks = |guard| missing == Some(guard);
        self.submits[submit] = match self.submits[submit] {
            Doing::Comes => self.known(submit, missing).unwrap_or(Doing::Places { pieces: self.pieces }),
            Doing::Places { pieces } => {
                let refused = if lacks(Guard::StockUnderLock) { pieces } else { self.pieces } < 1;
                if refused || self.orders[key(submit)] > 0 && !lacks(Guard::UniqueKey) {
                    Doing::LooksAgain { refused }
                } else {
                    self.pieces -= 1;
                    self.orders[key(submit)] += 1;
                    Doing::Charges
                }
            }
            Doing::LooksAgain { refused } => {
                let known = self.known(submit, missing).filter(|_| !(refused && lacks(Guard::SecondLook)));
                let refusal = Doing::Answered(if refused { Said::OutOfStock } else { Said::Nonsense });
                known.unwrap_or(refusal)
            }
            Doing::Charges => {
                self.ended[key(submit)] = true;
                Doing::Answered(Said::Paid)
            }
            Doing::Dead | Doing::Answered(_) => return None,
        };
        Some(())
    }

    fn has_told(&self, said: Said) -> impl Iterator<Item = usize> {
        (0..SUBMITS).filter(move |submit| self.submits[*submit] == Doing::Answered(said))
    }
}

impl Model for Placing {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let submits = [Doing::Comes; SUBMITS];
        [1, 2].map(|pieces| State { submits, pieces, orders: [0; 2], ended: [false; 2], died: false }).into()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (submit, doing) in state.submits.iter().enumerate() {
            match doing {
                Doing::Charges => actions.extend([Action::Goes(submit), Action::Dies(submit)]),
                Doing::Dead => actions.push(Action::Ends(submit)),
                Doing::Answered(Said::InProgress) => actions.push(Action::Again(submit)),
                Doing::Answered(_) => {}
                _ => actions.push(Action::Goes(submit)),
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Goes(submit) => state.goes(submit, self.missing)?,
            Action::Dies(submit) => {
                (!state.died).then_some(())?;
                state.died = true;
                state.submits[submit] = Doing::Dead;
            }
            Action::Ends(submit) => state.ended[key(submit)] = true,
            Action::Again(submit) => state.submits[submit] = Doing::Comes,
        }
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("a key has one order", |_, state: &State| {
                state.orders.iter().all(|orders| *orders <= 1)
            }),
            Property::always("no more is sold than there is", |_, state: &State| state.pieces >= 0),
            Property::always("whoever is told of an end is told the truth", |_, state: &State| {
                state.has_told(Said::Paid).all(|submit| state.ended[key(submit)])
                    && state.has_told(Said::OutOfStock).all(|submit| state.orders[key(submit)] == 0)
            }),
            Property::always("nobody is told nonsense", |_, state: &State| {
                state.has_told(Said::Nonsense).count() == 0
            }),
            Property::sometimes("both are told of one order", |_, state: &State| {
                state.has_told(Said::Paid).filter(|submit| key(*submit) == 0).count() == 2
            }),
            Property::sometimes("in progress", |_, state: &State| {
                state.has_told(Said::InProgress).count() > 0
            }),
            Property::sometimes("out of stock", |_, state: &State| {
                state.has_told(Said::OutOfStock).count() == 2
            }),
        ]
    }
}

#[test]
fn two_submits_of_one_key_are_as_good_as_one() {
    check("one key, submitted twice at once", Placing { missing: None });
}

#[test]
fn each_guard_of_placing_is_needed() {
    for guard in GUARDS {
        shortest(&format!("{guard:?}"), &Placing { missing: Some(guard) });
    }
}
