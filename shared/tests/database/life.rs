//! An order's life, twice: by the statements on a real Postgres and by the machine in `orders/life.rs`, through the
//! same random histories, compared step by step. And its picture in docs/checkout.md, which the machine draws.
//!
//! The statements are the deployed ones, but for their clock, which the history sets.

use std::cell::Cell;
use std::path::Path;
use std::{env, fs};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use shared::database::{Query, Statement};
use shared::orders::OrderStatus::{self, ActionRequired, Cancelling, Charging, Deferred};
use shared::orders::life::{Due, Event, drawing};
use time::OffsetDateTime;
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::checkout::Shop;

const LEASE: i64 = 30;
const PATIENCE: i64 = 86_400;
const STOCK: i32 = 10;
const PIECES: i32 = 3;

/// One step of a history. Whoever takes a lease is numbered by it.
#[derive(Clone, Debug)]
enum Step {
    Elapse(i64),
    TakeDue,
    Claim,
    Cancel,
    /// The holder of the lease taken last or the one before it writes down what is about to be asked.
    Remember {
        late: bool,
        intent: Option<u8>,
    },
    Settle {
        late: bool,
        event: Event,
        wait: Option<i32>,
        unsent: bool,
    },
    Postpone(i32),
    News {
        intent: u8,
        names_order: bool,
        paid: bool,
        afterwards: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let event = prop::sample::select(Event::ALL[2..].to_vec());
    let wait = prop::option::weighted(0.7, prop::sample::select(vec![10, 300]));
    let late = prop::bool::weighted(0.1);
    prop_oneof![
        3 => prop::sample::select(vec![7, 20, 45, 900, 40_000]).prop_map(Step::Elapse),
        1 => Just(Step::TakeDue),
        6 => Just(Step::Claim),
        2 => Just(Step::Cancel),
        6 => (late, prop::option::weighted(0.8, 0..2_u8)).prop_map(|(late, intent)| Step::Remember { late, intent }),
        9 => (late, event, wait, prop::bool::weighted(0.1))
            .prop_map(|(late, event, wait, unsent)| Step::Settle { late, event, wait, unsent }),
        2 => prop::sample::select(vec![60, 50_000]).prop_map(Step::Postpone),
        2 => (0..2_u8, any::<[bool; 3]>())
            .prop_map(|(intent, [names_order, paid, afterwards])| Step::News { intent, names_order, paid, afterwards }),
    ]
}

/// What both sides are compared by; times in seconds of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    status: OrderStatus,
    lease_until: Option<i64>,
    due: Option<i64>,
    deadline: Option<i64>,
    intent: Option<String>,
    attempt: i32,
    stock: i32,
}

/// A lease as its holder knows it.
#[derive(Clone, Copy, Debug)]
struct Held {
    owner: Uuid,
    status: OrderStatus,
    deadline: i64,
}

/// The side of the machine.
struct Life {
    row: Row,
    owner: Option<Uuid>,
    now: i64,
}

impl Life {
    fn free(&self) -> bool {
        self.row.lease_until.is_none_or(|until| until < self.now)
    }

    fn lend(&mut self, event: Event, owner: Uuid) -> Option<OrderStatus> {
        let next = self.row.status.step(event).filter(|_| self.free())?;
        self.owner = Some(owner);
        self.row.status = next.status;
        self.row.lease_until = Some(self.now + LEASE);
        self.row.due = self.row.lease_until;
        Some(next.status)
    }

    fn claim(&mut self, owner: Uuid) -> Option<OrderStatus> {
        let may = self.row.status.may_be_claimed(self.row.due.is_some());
        may.then(|| self.lend(Event::Claimed, owner)).flatten()
    }

    fn remember(&mut self, owner: Uuid, intent: Option<&str>) -> bool {
        let known = self.row.intent.as_deref();
        let holds = self.owner == Some(owner) && self.row.lease_until.is_some_and(|until| until > self.now);
        let ours = holds && (known.is_none() || intent.is_none() || known == intent);
        if ours {
            self.row.intent = intent.or(known).map(str::to_owned);
            self.row.attempt += 1;
        }
        ours
    }

    fn settle(&mut self, held: Held, event: Event, wait: Option<i32>, unsent: bool) -> bool {
        let ours = self.owner == Some(held.owner) && self.row.status == held.status;
        let Some(next) = held.status.step(event).filter(|_| ours) else { return false };
        self.row.status = next.status;
        self.owner = None;
        let lease_until = self.row.lease_until.take();
        let news = self.row.due != lease_until;
        let due = due(next.due, wait).map(|wait| self.now + i64::from(wait));
        self.row.due = if news && next.keeps_news { Some(self.now) } else { due };
        self.row.deadline = Some(held.deadline);
        self.row.attempt = if unsent { 0 } else { self.row.attempt };
        self.row.stock += if next.gives_stock_back { PIECES } else { 0 };
        true
    }

    /// Whether it can be ended without the provider.
    fn postpone(&mut self, wait: i32) -> Option<bool> {
        (self.row.due.is_some() && self.free()).then_some(())?;
        let deadline = self.row.deadline.unwrap_or(i64::MAX);
        let ahead = Some(deadline).filter(|deadline| *deadline > self.now).unwrap_or(i64::MAX);
        self.row.due = Some(ahead.min(self.now + i64::from(wait)));
        let overdue = deadline.min(PATIENCE) < self.now + LEASE;
        let ends = self.row.status == Cancelling || matches!(self.row.status, Charging | Deferred) && overdue;
        Some(self.row.attempt == 0 && ends)
    }

    fn news(&mut self, intent: &str, names_order: bool, paid: bool, afterwards: bool) -> Option<bool> {
        let known = self.row.intent.as_deref();
        (names_order || known == Some(intent)).then_some(())?;
        if known.map_or(self.row.attempt == 0, |known| known != intent) {
            return Some(false);
        }
        self.row.intent = Some(intent.to_owned());
        let due = self.row.status.is_due_by_news(paid, afterwards);
        self.row.due = if due { Some(self.now) } else { self.row.due };
        if self.row.status.loses_its_lease(afterwards) {
            (self.owner, self.row.lease_until) = (None, None);
        }
        Some(due)
    }

    fn take_due(&mut self) -> bool {
        let due = self.free() && self.row.due.is_some_and(|due| due <= self.now);
        self.row.due = if due { Some(self.now + 60) } else { self.row.due };
        due
    }
}

fn due(due: Due, wait: Option<i32>) -> Option<i32> {
    match due {
        Due::Never => None,
        Due::Now => Some(0),
        Due::AfterWait => wait,
    }
}

/// The deployed statement with the history's clock.
fn at_the_clock(text: &str) -> Statement {
    Statement::new("test.life", String::leak(text.replace("now()", "history_now()")))
}

/// The side of the database.
struct Rows {
    shop: Shop,
    user: Uuid,
    product: Uuid,
    order: Cell<Uuid>,
    statements: Statements,
}

struct Statements {
    claim: Statement,
    cancel: Statement,
    attempt: Statement,
    settle: Statement,
    postpone: Statement,
    due: Statement,
    due_by_intent: Statement,
}

static CLOCK: [Statement; 3] = [
    Statement::new("test.clock", "create table history_clock (at timestamptz not null)"),
    Statement::new(
        "test.clock.function",
        "create function history_now() returns timestamptz stable language sql as 'select at from history_clock'",
    ),
    Statement::new("test.clock.start", "insert into history_clock values (to_timestamp(0))"),
];
static SET: Statement = Statement::new("test.set", "update history_clock set at = to_timestamp($1)");
static CLEAR: Statement = Statement::new("test.clear", "truncate orders cascade");
static PLACE: Statement = Statement::new(
    "test.place",
    "with placed as (
        insert into orders (
            id, user_id, status, currency, total, idempotency_key, request_digest,
            lease_owner, lease_until, next_attempt_at, deadline, created_at, waits_since
        )
        values (
            $1, $2, 'charging', 'usd', 3750, $1::text, '', $4, to_timestamp(30), to_timestamp(30),
            to_timestamp($5), to_timestamp(0), to_timestamp(0)
        )
        returning id
    ), line as (
        insert into order_items (order_id, product_id, quantity, unit_price) select id, $3, 3, 1250 from placed
    )
    insert into payments (order_id, payment_method) select id, 'pm_card_visa' from placed",
);
static FILL: Statement =
    Statement::new("test.fill", "update inventory set available = 7 where product_id = $1");
static READ: Statement = Statement::new(
    "test.read",
    "select status, extract(epoch from lease_until)::bigint, extract(epoch from next_attempt_at)::bigint,
        extract(epoch from deadline)::bigint, intent_id, attempt, available
    from orders
    join payments on payments.order_id = orders.id
    join inventory on inventory.product_id = $2
    where orders.id = $1",
);

type Columns = (String, Option<i64>, Option<i64>, Option<i64>, Option<String>, i32, i32);

impl Rows {
    async fn open() -> Self {
        let shop = Shop::open().await;
        let (user, product) = (shop.customer().await, shop.product(1250, STOCK).await.0);
        for statement in &CLOCK {
            shop.owner.execute(statement).await.expect("creates");
        }
        let statements = Statements {
            claim: at_the_clock(include_str!("../../src/checkout/claim.sql")),
            cancel: at_the_clock(include_str!("../../src/checkout/cancel.sql")),
            attempt: at_the_clock(include_str!("../../src/checkout/attempt.sql")),
            settle: at_the_clock(include_str!("../../src/checkout/settle.sql")),
            postpone: at_the_clock(include_str!("../../src/checkout/postpone.sql")),
            due: at_the_clock(include_str!("../../src/orders/due.sql")),
            due_by_intent: at_the_clock(include_str!("../../src/orders/due_by_intent.sql")),
        };
        Self { shop, user, product, order: Cell::default(), statements }
    }

    async fn begin(&self, owner: Uuid) -> Life {
        self.order.set(Uuid::now_v7());
        self.shop.owner.execute(&CLEAR).await.expect("clears");
        self.shop.owner.execute(FILL.bind(self.product)).await.expect("fills");
        let place =
            PLACE.bind(self.order.get()).bind(self.user).bind(self.product).bind(owner).bind(PATIENCE);
        self.shop.owner.execute(place).await.expect("places");
        let row = self.read().await;
        Life { row, owner: Some(owner), now: 0 }
    }

    async fn read(&self) -> Row {
        let columns: Columns =
            self.shop.owner.fetch_one(READ.bind(self.order.get()).bind(self.product)).await.expect("reads");
        let (status, lease_until, due, deadline, intent, attempt, stock) = columns;
        Row { status: status.parse().expect("a status"), lease_until, due, deadline, intent, attempt, stock }
    }

    /// How it stands for whoever took its lease, if anybody did.
    async fn lend(&self, query: Query) -> Option<OrderStatus> {
        let lent: Option<(Uuid, String)> = self.shop.owner.fetch_optional(query).await.expect("lends");
        lent.map(|(_, status)| status.parse().expect("a status"))
    }

    async fn settle(&self, held: Held, event: Event, wait: Option<i32>, unsent: bool) -> bool {
        let next = held.status.step(event).expect("can happen");
        let query = self
            .statements
            .settle
            .bind(self.order.get())
            .bind(held.owner)
            .bind(held.status.as_str())
            .bind(next.status.as_str())
            .bind(None::<serde_json::Value>)
            .bind(due(next.due, wait))
            .bind(None::<String>)
            .bind(None::<String>)
            .bind(None::<String>)
            .bind(None::<String>)
            .bind(OffsetDateTime::from_unix_timestamp(held.deadline).expect("a time"))
            .bind(None::<i64>)
            .bind(None::<Uuid>)
            .bind(None::<String>)
            .bind(None::<String>)
            .bind(None::<String>)
            .bind(unsent)
            .bind(Vec::<String>::new());
        self.shop.owner.fetch_optional::<(Uuid,)>(query).await.expect("settles").is_some()
    }
}

/// One history on both sides.
struct Pair<'a> {
    life: Life,
    rows: &'a Rows,
    /// Who took the lease, the latest last.
    held: Vec<Held>,
}

impl Pair<'_> {
    /// What each side answered, as text.
    async fn take(&mut self, step: &Step) -> Option<(String, String)> {
        let (rows, order) = (self.rows, self.rows.order.get());
        let owner = Uuid::now_v7();
        Some(match step {
            Step::Elapse(seconds) => {
                self.life.now += seconds;
                self.rows.shop.owner.execute(SET.bind(self.life.now)).await.expect("sets the clock");
                return None;
            }
            Step::TakeDue => {
                let due = rows.shop.owner.fetch_all::<(Uuid,)>(rows.statements.due.bind(10_i64)).await;
                told(self.life.take_due(), due.expect("takes").len() == 1)
            }
            Step::Claim => {
                let query = rows.statements.claim.bind(order).bind(owner).bind(30).bind(86_400);
                let lent = (self.life.claim(owner), rows.lend(query).await);
                self.hold(owner, lent)
            }
            Step::Cancel => {
                let query = rows.statements.cancel.bind(order).bind(rows.user).bind(owner).bind(30);
                let lent = (self.life.lend(Event::CancelAsked, owner), rows.lend(query).await);
                self.hold(owner, lent)
            }
            Step::Remember { late, intent } => {
                let (held, intent) = (self.holder(*late)?, intent.map(|intent| format!("pi_{intent}")));
                let attempt = self.life.row.attempt + 1;
                let query =
                    rows.statements.attempt.bind(order).bind(held.owner).bind(intent.clone()).bind(attempt);
                let stored = rows.shop.owner.execute(query).await.expect("remembers");
                told(self.life.remember(held.owner, intent.as_deref()), stored == 1)
            }
            Step::Settle { late, event, wait, unsent } => {
                let held = self.holder(*late)?;
                held.status.step(*event)?;
                let settled = rows.settle(held, *event, *wait, *unsent).await;
                told(self.life.settle(held, *event, *wait, *unsent), settled)
            }
            Step::Postpone(wait) => {
                let query = rows.statements.postpone.bind(order).bind(*wait).bind(30).bind(86_400);
                let ends = rows.shop.owner.fetch_optional::<(bool,)>(query).await.expect("postpones");
                told(self.life.postpone(*wait), ends.map(|(ends,)| ends))
            }
            Step::News { intent, names_order, paid, afterwards } => {
                let intent = format!("pi_{intent}");
                let query = rows.statements.due_by_intent.bind(intent.clone()).bind(*paid).bind(*afterwards);
                let query = query.bind(None::<String>).bind(false).bind(names_order.then_some(order));
                let query = query.bind(None::<OffsetDateTime>);
                let due = rows.shop.owner.fetch_optional::<(Uuid, bool, bool)>(query).await.expect("notes");
                told(self.life.news(&intent, *names_order, *paid, *afterwards), due.map(|(_, _, due)| due))
            }
        })
    }

    fn hold(&mut self, owner: Uuid, lent: (Option<OrderStatus>, Option<OrderStatus>)) -> (String, String) {
        if let (Some(status), _) = lent {
            let deadline = self.life.row.deadline.unwrap_or(PATIENCE).min(match status {
                ActionRequired => self.life.now + 900,
                _ => PATIENCE,
            });
            self.held.push(Held { owner, status, deadline });
        }
        told(lent.0, lent.1)
    }

    fn holder(&self, late: bool) -> Option<Held> {
        self.held.iter().rev().nth(usize::from(late)).copied()
    }
}

fn told<T: std::fmt::Debug>(machine: T, statement: T) -> (String, String) {
    (format!("{machine:?}"), format!("{statement:?}"))
}

async fn compare(rows: &Rows, history: &[Step]) -> Result<(), TestCaseError> {
    let owner = Uuid::now_v7();
    rows.shop.owner.execute(SET.bind(0_i64)).await.expect("sets the clock");
    let life = rows.begin(owner).await;
    let held = vec![Held { owner, status: Charging, deadline: PATIENCE }];
    let mut pair = Pair { life, rows, held };
    for (number, step) in history.iter().enumerate() {
        let before = pair.life.row.clone();
        if let Some((machine, statement)) = pair.take(step).await {
            prop_assert_eq!(
                statement,
                machine,
                "statement and machine answer differently to step {}: {:?} of {:?}",
                number,
                step,
                before
            );
            let row = pair.rows.read().await;
            prop_assert_eq!(
                &row,
                &pair.life.row,
                "row and machine differ after step {}: {:?} of {:?}",
                number,
                step,
                before
            );
        }
    }
    Ok(())
}

#[test]
fn the_statements_and_the_machine_agree_on_an_orders_life() {
    let runtime = Runtime::new().expect("a runtime");
    let rows = runtime.block_on(Rows::open());
    let depth: u32 = env::var("RESILIENCE_DEPTH").ok().and_then(|depth| depth.parse().ok()).unwrap_or(1);
    // A history that once failed belongs into a test of its own.
    let config = Config { cases: 64 * depth, failure_persistence: None, ..Config::default() };
    // Drawn anew each time, and told where they fail: what is met once in many runs can be met again.
    let seed = seed();
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, seed.as_bytes());
    let outcome = TestRunner::new_with_rng(config, rng)
        .run(&prop::collection::vec(step(), 1..40), |history| runtime.block_on(compare(&rows, &history)));
    if let Err(failed) = outcome {
        panic!("RESILIENCE_SEED={seed} RESILIENCE_DEPTH={depth} draws these histories again: {failed}");
    }
}

/// What the histories are drawn from: 32 characters.
fn seed() -> String {
    env::var("RESILIENCE_SEED").unwrap_or_else(|_| Uuid::now_v7().simple().to_string())
}

/// Where the picture stands in docs/checkout.md.
const FENCES: (&str, &str) = ("```mermaid\n", "```\n");

#[test]
fn the_picture_of_an_orders_states_is_the_machines_own() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/checkout.md");
    let page = fs::read_to_string(&path).expect("the page");
    let (before, rest) = page.split_once(FENCES.0).expect("a picture");
    let (drawn, after) = rest.split_once(FENCES.1).expect("its end");
    if env::var_os("MILLRACE_DRAW").is_some() {
        let page = [before, FENCES.0, &drawing(), FENCES.1, after].concat();
        fs::write(&path, page).expect("writes");
        return;
    }
    assert_eq!(drawn, drawing(), "MILLRACE_DRAW=1 cargo nextest run -p shared picture draws it anew");
}
