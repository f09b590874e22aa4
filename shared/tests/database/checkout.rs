//! Placing and settling orders, by the statements alone: once, whoever asks, and never more than there is.

use std::time::Duration;

use shared::accounts;
use shared::auth::token::Role;
use shared::auth::{Subject, User};
use shared::catalog::ProductId;
use shared::checkout::{Cart, ExpectedTotal, Item, Lease, Placed, Purchase, claim, claim_to_cancel, leave};
use shared::config::Unpaid;
use shared::database::{Database, Error, Json, Statement};
use shared::error::{Kind, Result};
use shared::orders::{Answer, OrderId, OrderStatus, find};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::servers::{SERVER_CONNECTIONS, Servers, so_many_wait};

static USER: Statement =
    Statement::new("test.user", "insert into users values ($1, $1::text || '@example.com', '', 'customer')");
static KNOWN_AS: Statement =
    Statement::new("test.known_as", "select email, issuer, subject from users where id = $1");
static SUBJECT: Statement =
    Statement::new("test.subject", "select subject from users where id = $1 and erased_at is not null");
static PRODUCT: Statement = Statement::new(
    "test.product",
    "with product as (
        insert into products (id, name, description, price, currency, featured)
        values ($1, 'A product', '', $2, 'usd', false)
        returning id
    )
    insert into inventory select id, $3 from product",
);
static IN_ANOTHER_CURRENCY: Statement =
    Statement::new("test.in_another_currency", "update products set currency = 'zzz' where id = $1");
static STOCK: Statement =
    Statement::new("test.stock", "select available from inventory where product_id = $1");
static ORDERS: Statement =
    Statement::new("test.orders", "select coalesce(json_agg(total), '[]') from orders where user_id = $1");
static END_LEASES: Statement = Statement::new("test.end_leases", "update orders set lease_until = now()");
/// So that a race may take as long as the machine needs.
static NO_LOCK_LIMIT: Statement =
    Statement::new("test.no_lock_limit", "alter role millrace_app set lock_timeout = 0");
static NO_LIMIT: Statement =
    Statement::new("test.no_limit", "alter role millrace_app set statement_timeout = 0");
static HOLD: Statement =
    Statement::new("test.hold", "select from inventory where product_id = $1 for update");
static HOLD_USER: Statement =
    Statement::new("test.hold_user", "select from users where id = $1 for no key update");
static ERASE: Statement = Statement::new("test.erase", "update users set erased_at = now() where id = $1");
static STANDS: Statement =
    Statement::new("test.stand", "update orders set status = $2, lease_until = null where user_id = $1");
static OWNER: Statement = Statement::new("test.owner", "select lease_owner from orders where id = $1");
/// Whoever takes the first piece meets the schema's guard, as if the stock had been less than it was under its lock.
static LESS_THAN_IT_WAS: [Statement; 3] = [
    Statement::new("test.times", "create sequence times"),
    Statement::new(
        "test.less",
        "create function less() returns trigger language plpgsql security definer as \
         'begin if nextval(''times'') = 1 then new.available := -1; end if; return new; end'",
    ),
    Statement::new(
        "test.less_than_it_was",
        "create trigger less before update on inventory for each row execute function less()",
    ),
];

/// What a customer may leave unpaid.
pub(crate) const UNPAID: Unpaid = Unpaid { orders: 20, pieces: 2000 };
pub(crate) const BODY: &[u8] = b"the body";
/// How long after it was placed an order is given up.
pub(crate) const PATIENCE: Duration = Duration::from_hours(1);
/// How long after it was placed an order is charged that is put off.
pub(crate) const WAIT: Duration = Duration::from_mins(1);

/// A shop behind a pooler, as its functions see it and as its owner does.
pub(crate) struct Shop {
    pub(crate) functions: Database,
    pub(crate) owner: Database,
    observer: Database,
    _servers: Servers,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        let servers = Servers::start().await;
        let (owner, observer) = (Database::new(servers.owner()), Database::new(servers.owner()));
        for statement in [&NO_LOCK_LIMIT, &NO_LIMIT] {
            owner.execute(statement).await.expect("alters");
        }
        let minute = Duration::from_mins(1);
        let settings = servers.pooled().connections(40).acquire_limit(minute).statement_limit(minute);
        Self { functions: Database::new(settings), owner, observer, _servers: servers }
    }

    /// Waits until a statement waits for a lock.
    pub(crate) async fn somebody_waits(&self) {
        self.so_many_wait(1).await;
    }

    /// Waits until so many statements wait for a lock.
    pub(crate) async fn so_many_wait(&self, many: i64) {
        so_many_wait(&self.observer, many).await;
    }

    /// Holds a product's stock until all statements that the pooler lets through wait for it: each has begun before any
    /// has done anything, which chance alone seldom brings about.
    async fn race<T: 'static>(&self, product: ProductId, start: impl FnOnce() -> JoinSet<T>) -> Vec<T> {
        let all = i64::try_from(SERVER_CONNECTIONS).expect("few");
        let held = self.owner.transaction(async |tx| {
            tx.execute(HOLD.bind(product)).await?;
            let requests = start();
            self.so_many_wait(all).await;
            Ok::<_, Error>(requests)
        });
        held.await.expect("commits").join_all().await
    }

    pub(crate) async fn customer(&self) -> Uuid {
        let id = Uuid::now_v7();
        self.owner.execute(USER.bind(id)).await.expect("creates");
        id
    }

    pub(crate) async fn product(&self, price: i64, stock: i32) -> ProductId {
        let id = ProductId::new();
        self.owner.execute(PRODUCT.bind(id).bind(price).bind(stock)).await.expect("creates");
        id
    }

    pub(crate) async fn stock(&self, product: ProductId) -> i32 {
        self.owner.fetch_one::<(i32,)>(STOCK.bind(product)).await.expect("finds").0
    }

    /// Places it for charging it now.
    pub(crate) async fn places(&self, purchase: Purchase<'_>) -> Result<Placed<Lease>> {
        purchase.place_leased(&self.functions, PATIENCE).await
    }

    /// Places it for charging it later.
    pub(crate) async fn defers(&self, purchase: Purchase<'_>) -> Result<Placed<Answer>> {
        purchase.place_deferred(&self.functions, WAIT, PATIENCE).await
    }

    /// What each order of a customer comes to.
    async fn totals(&self, user: Uuid) -> Vec<i64> {
        self.owner.fetch_one::<(Json<Vec<i64>>,)>(ORDERS.bind(user)).await.expect("finds").0.0
    }

    async fn lease_owner(&self, order: OrderId) -> Option<Uuid> {
        self.owner.fetch_one::<(Option<Uuid>,)>(OWNER.bind(order)).await.expect("finds").0
    }
}

pub(crate) fn purchase<'a>(
    user: Uuid,
    key: &str,
    body: &'a [u8],
    items: &[(ProductId, i32)],
) -> Purchase<'a> {
    let items =
        items.iter().map(|(product_id, quantity)| Item { product_id: *product_id, quantity: *quantity });
    let cart =
        Cart { items: items.collect(), payment_method: "pm_card_visa".to_owned(), expected_total: None };
    let user = User::of_shop(user, Role::Customer);
    Purchase { user, key: key.parse().expect("a key"), body, cart, unpaid: UNPAID }
}

/// The kind of the problem that a caller would be told of.
pub(crate) fn refusal<T>(outcome: Result<Placed<T>>) -> Option<Kind> {
    outcome.err().map(|error| error.problem().kind())
}

/// What a caller would be told about the first wrong value.
fn detail<T>(outcome: Result<Placed<T>>) -> String {
    let problem = outcome.err().expect("refused");
    let errors = problem.problem().body().remove("errors").expect("a wrong value");
    format!(
        "{}: {}",
        errors[0]["field"].as_str().expect("a name"),
        errors[0]["message"].as_str().expect("words")
    )
}

pub(crate) fn new<T>(outcome: Result<Placed<T>>) -> T {
    match outcome {
        Ok(Placed::New(placed)) => placed,
        Ok(Placed::Free(answer) | Placed::Repeated(answer)) => panic!("repeated: {answer:?}"),
        Err(error) => panic!("refused: {:?} {:?}", error.problem(), error.cause()),
    }
}

#[tokio::test]
async fn a_request_sent_twenty_times_at_once_places_one_order() {
    let shop = Shop::open().await;
    let (user, product) = (shop.customer().await, shop.product(1250, 100).await);
    let request = |database: Database| async move {
        refusal(purchase(user, "key", BODY, &[(product, 2)]).place_leased(&database, PATIENCE).await)
    };
    let requests = || (0..20).map(|_| request(shop.functions.clone())).collect();
    let outcomes = shop.race(product, requests).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_none()).count(), 1, "{outcomes:?}");
    assert!(outcomes.into_iter().flatten().all(|kind| kind == Kind::RequestInProgress));
    assert_eq!((shop.stock(product).await, shop.totals(user).await), (98, vec![2500]));
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer_and_another_body_or_customer_does_not() {
    let shop = Shop::open().await;
    let (user, product) = (shop.customer().await, shop.product(1250, 10).await);
    let first = new(shop.defers(purchase(user, "key", BODY, &[(product, 1)])).await);
    let again = shop.defers(purchase(user, "key", BODY, &[(product, 1)])).await;
    assert!(matches!(again, Ok(Placed::Repeated(answer)) if answer == first));
    let other = shop.places(purchase(user, "key", b"another", &[(product, 1)])).await;
    assert_eq!(refusal(other), Some(Kind::IdempotencyKeyReused));
    let stranger = shop.customer().await;
    new(shop.places(purchase(stranger, "key", BODY, &[(product, 1)])).await);
    assert_eq!(shop.stock(product).await, 8);
}

#[tokio::test]
async fn an_order_is_placed_at_the_second_try_where_the_schemas_guard_of_the_stock_refused_the_first() {
    let shop = Shop::open().await;
    let (user, product) = (shop.customer().await, shop.product(1250, 10).await);
    for statement in &LESS_THAN_IT_WAS {
        shop.owner.execute(statement).await.expect("creates");
    }
    new(shop.places(purchase(user, "key", BODY, &[(product, 1)])).await);
    assert_eq!((shop.stock(product).await, shop.totals(user).await), (9, vec![1250]));
}

#[tokio::test]
async fn who_is_no_customer_any_more_has_to_log_in_and_takes_no_stock() {
    let shop = Shop::open().await;
    let product = shop.product(1250, 10).await;
    let gone = Uuid::now_v7();
    let order = || purchase(gone, "key", BODY, &[(product, 1)]);
    assert_eq!(refusal(shop.places(order()).await), Some(Kind::Unauthorized));
    let deferred = order().place_deferred(&shop.functions, Duration::ZERO, PATIENCE).await;
    assert_eq!(refusal(deferred), Some(Kind::Unauthorized));
    assert_eq!(shop.stock(product).await, 10);
}

fn of_a_provider(name: &str) -> User {
    let subject = Subject { issuer: "https://id.example.com".to_owned(), name: name.to_owned() };
    User { id: subject.user_id(), role: Role::Customer, subject: Some(subject) }
}

fn purchase_of(user: &User, key: &str, product: ProductId) -> Purchase<'static> {
    Purchase { user: user.clone(), ..purchase(user.id, key, BODY, &[(product, 1)]) }
}

#[tokio::test]
async fn a_customer_of_an_identity_provider_gets_a_row_with_the_first_order_and_no_other_with_the_next() {
    let shop = Shop::open().await;
    let product = shop.product(1250, 10).await;
    let ada = of_a_provider("ada");
    for key in ["first", "next"] {
        new(shop.places(purchase_of(&ada, key, product)).await);
        let known: (Option<String>, String, String) =
            shop.owner.fetch_one(KNOWN_AS.bind(ada.id)).await.expect("a row");
        assert_eq!(known, (None, "https://id.example.com".to_owned(), "ada".to_owned()));
    }
    assert_eq!(shop.stock(product).await, 8);
}

#[tokio::test]
async fn a_provider_s_customer_who_ordered_nothing_leaves_no_row() {
    let shop = Shop::open().await;
    let product = shop.product(1250, 0).await;
    let ada = of_a_provider("ada");
    let refused = shop.places(purchase_of(&ada, "key", product)).await;
    assert_eq!(refusal(refused), Some(Kind::OutOfStock));
    let known: Option<(Option<String>, String, String)> =
        shop.owner.fetch_optional(KNOWN_AS.bind(ada.id)).await.expect("answers");
    assert_eq!(known, None);
}

#[tokio::test]
async fn whose_account_was_erased_orders_nothing_whatever_token_is_shown_and_whether_or_not_there_was_a_row()
{
    let shop = Shop::open().await;
    let product = shop.product(1250, 10).await;
    let (ada, bob) = (of_a_provider("ada"), of_a_provider("bob"));
    let own = User::of_shop(shop.customer().await, Role::Customer);
    for user in [&ada, &own] {
        new(shop.places(purchase_of(user, "before", product)).await);
    }
    for user in [ada, bob, own] {
        shop.owner.execute(STANDS.bind(user.id).bind("paid")).await.expect("updates");
        accounts::erase(&shop.functions, &user).await.expect("erases");
        let again = accounts::erase(&shop.functions, &user).await;
        assert_eq!(again.err().map(|error| error.problem().kind()), Some(Kind::Unauthorized), "{user:?}");
        let refused = shop.places(purchase_of(&user, "after", product)).await;
        assert_eq!(refusal(refused), Some(Kind::Unauthorized), "{user:?}");
        let me = accounts::me(&shop.functions, &user).await;
        assert_eq!(me.err().map(|error| error.problem().kind()), Some(Kind::Unauthorized), "{user:?}");
        let (subject,): (Option<String>,) =
            shop.owner.fetch_one(SUBJECT.bind(user.id)).await.expect("a row of nobody");
        assert_eq!(subject, None);
    }
    assert_eq!(shop.stock(product).await, 8);
}

#[tokio::test]
async fn nobody_leaves_whose_order_may_still_be_charged() {
    let shop = Shop::open().await;
    let (customer, stranger) = (shop.customer().await, shop.customer().await);
    let product = shop.product(1250, 10).await;
    let leaves = async |user| leaves(shop.functions.clone(), User::of_shop(user, Role::Customer)).await;
    let order = leased(&shop, customer, product).await.order;
    for status in ["charging", "deferred", "action_required"] {
        shop.owner.execute(STANDS.bind(customer).bind(status)).await.expect("updates");
        assert_eq!(leaves(customer).await, Err(Kind::Conflict), "{status}");
    }
    let me = accounts::me(&shop.functions, &User::of_shop(customer, Role::Customer)).await;
    assert!(me.is_ok(), "nothing was changed");
    assert_eq!(leaves(stranger).await, Ok(()));
    claim_to_cancel(&shop.functions, customer, order).await.expect("answers").expect("is theirs");
    assert_eq!(leaves(customer).await, Ok(()));
    // Who is gone is gone, also who went before this was asked.
    shop.owner.execute(STANDS.bind(customer).bind("deferred")).await.expect("updates");
    assert_eq!(leaves(customer).await, Err(Kind::Unauthorized));
}

#[tokio::test]
async fn who_leaves_while_an_order_of_theirs_is_placed_waits_for_it_and_stays() {
    let shop = Shop::open().await;
    let product = shop.product(1250, 10).await;
    for user in [User::of_shop(shop.customer().await, Role::Customer), of_a_provider("ada")] {
        let held = shop.owner.transaction(async |tx| {
            tx.execute(HOLD.bind(product)).await?;
            let placing = tokio::spawn(places(shop.functions.clone(), user.clone(), product));
            shop.somebody_waits().await;
            let leaving = tokio::spawn(leaves(shop.functions.clone(), user.clone()));
            shop.so_many_wait(2).await;
            Ok::<_, Error>((placing, leaving))
        });
        let (placing, leaving) = held.await.expect("commits");
        assert_eq!(placing.await.expect("ends"), Ok(()), "{user:?}");
        assert_eq!(leaving.await.expect("ends"), Err(Kind::Conflict), "{user:?}");
    }
    assert_eq!(shop.stock(product).await, 8);
}

#[tokio::test]
async fn who_orders_while_their_account_is_erased_waits_for_that_and_gets_nothing() {
    let shop = Shop::open().await;
    let (product, user) = (shop.product(1250, 10).await, shop.customer().await);
    let user = User::of_shop(user, Role::Customer);
    let held = shop.owner.transaction(async |tx| {
        tx.execute(HOLD_USER.bind(user.id)).await?;
        let leaving = tokio::spawn(leaves(shop.functions.clone(), user.clone()));
        shop.somebody_waits().await;
        let placing = tokio::spawn(places(shop.functions.clone(), user.clone(), product));
        shop.so_many_wait(2).await;
        Ok::<_, Error>((placing, leaving))
    });
    let (placing, leaving) = held.await.expect("commits");
    assert_eq!(leaving.await.expect("ends"), Ok(()));
    assert_eq!(placing.await.expect("ends"), Err(Kind::Unauthorized));
    assert_eq!(shop.stock(product).await, 10);
}

async fn places(functions: Database, user: User, product: ProductId) -> Result<(), Kind> {
    let placed = purchase_of(&user, "key", product).place_leased(&functions, PATIENCE).await;
    placed.map(drop).map_err(|error| error.problem().kind())
}

async fn leaves(functions: Database, user: User) -> Result<(), Kind> {
    accounts::erase(&functions, &user).await.map_err(|error| error.problem().kind())
}

#[tokio::test]
async fn the_longest_cart_under_the_longest_names_fits_into_a_statement() {
    let shop = Shop::open().await;
    let issuer = format!("https://{}.example.com", "i".repeat(100));
    let subject = Subject { issuer, name: "\u{1f600}".repeat(255) };
    let user = User { id: subject.user_id(), role: Role::Customer, subject: Some(subject) };
    let items: Vec<_> = (0..50).map(|_| (ProductId::new(), 1000)).collect();
    let mut purchase = Purchase { user, ..purchase(Uuid::nil(), &"k".repeat(255), BODY, &items) };
    purchase.cart.payment_method = format!("pm_{}", "m".repeat(61));
    let currency = "usd".parse().expect("a currency");
    purchase.cart.expected_total = Some(ExpectedTotal { amount: i64::MAX, currency });
    // There are no such products.
    let refused = shop.places(purchase).await;
    assert_eq!(refusal(refused), Some(Kind::Validation));
}

#[tokio::test]
async fn forty_buyers_of_the_last_five_pieces_get_five() {
    let shop = Shop::open().await;
    let product = shop.product(1250, 5).await;
    let mut buyers = Vec::new();
    for _ in 0..40 {
        buyers.push(shop.customer().await);
    }
    let request = |(database, user): (Database, Uuid)| async move {
        refusal(purchase(user, "key", BODY, &[(product, 1)]).place_leased(&database, PATIENCE).await)
    };
    let requests = || buyers.into_iter().map(|user| request((shop.functions.clone(), user))).collect();
    let outcomes = shop.race(product, requests).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_none()).count(), 5, "{outcomes:?}");
    assert!(outcomes.into_iter().flatten().all(|kind| kind == Kind::OutOfStock));
    assert_eq!(shop.stock(product).await, 0);
}

static HOLD_PRODUCT: Statement =
    Statement::new("test.hold_product", "select from products where id = $1 for no key update");

static UNASKED: Statement = Statement::new("test.unasked", "update payments set attempt = 0");
static OVERDUE: Statement = Statement::new("test.overdue", "update orders set deadline = now()");

/// Whoever changes both products, the one with the lower id first, does not meet somebody who begins with the other.
pub(crate) async fn changes_products_in_the_order_of_ids<T: Send + 'static>(
    shop: &Shop,
    [lower, higher]: [ProductId; 2],
    other: impl Future<Output = T> + Send + 'static,
) -> T {
    let held = shop.owner.transaction(async |tx| {
        tx.execute(HOLD_PRODUCT.bind(lower)).await?;
        let other = tokio::spawn(other);
        shop.somebody_waits().await;
        tx.execute(HOLD_PRODUCT.bind(higher)).await?;
        Ok::<_, Error>(other)
    });
    held.await.expect("nobody waits in a circle").await.expect("ends")
}

/// As a planner might choose that knows of more rows: those that are found come in the order of the table.
static OTHER_PLANS: [Statement; 2] = [
    Statement::new("test.no_loops", "alter role millrace_app set enable_nestloop = off"),
    Statement::new("test.no_merges", "alter role millrace_app set enable_mergejoin = off"),
];

#[tokio::test]
async fn an_order_that_takes_the_last_pieces_changes_its_products_in_the_order_of_ids_whatever_the_carts_is()
{
    for plans in [&[] as &[Statement], &OTHER_PLANS] {
        let shop = Shop::open().await;
        for statement in plans {
            shop.owner.execute(statement).await.expect("alters");
        }
        let user = shop.customer().await;
        let products = [shop.product(100, 1).await, shop.product(100, 1).await];
        let [lower, higher] = products;
        let database = shop.functions.clone();
        let placed = changes_products_in_the_order_of_ids(&shop, products, async move {
            purchase(user, "key", BODY, &[(higher, 1), (lower, 1)]).place_leased(&database, PATIENCE).await
        });
        let order = new(placed.await).order;
        assert_eq!((shop.stock(lower).await, shop.stock(higher).await), (0, 0));

        // And so does whoever gives them back.
        for statement in [&END_LEASES, &UNASKED, &OVERDUE] {
            shop.owner.execute(statement).await.expect("updates");
        }
        let lease = claim(&shop.functions, order, PATIENCE).await.expect("answers").expect("is due");
        let database = shop.functions.clone();
        let left = changes_products_in_the_order_of_ids(&shop, products, async move {
            leave(&database, lease, Duration::ZERO).await.expect("settles")
        });
        assert_eq!(left.await.answer.status, OrderStatus::Cancelled);
        assert_eq!((shop.stock(lower).await, shop.stock(higher).await), (1, 1));
    }
}

#[tokio::test]
async fn an_order_that_cannot_be_had_whole_takes_nothing() {
    let shop = Shop::open().await;
    let user = shop.customer().await;
    let (plenty, scarce) = (shop.product(100, 10).await, shop.product(100, 2).await);
    for missing in [(scarce, 3), (ProductId::new(), 1)] {
        let outcome = shop.places(purchase(user, "key", BODY, &[(plenty, 1), missing])).await;
        assert!(matches!(refusal(outcome), Some(Kind::OutOfStock | Kind::Validation)));
    }
    assert_eq!((shop.stock(plenty).await, shop.stock(scarce).await), (10, 2));
    assert!(shop.totals(user).await.is_empty());
}

#[tokio::test]
async fn who_has_left_buys_nothing_even_with_a_token_that_is_still_good() {
    let shop = Shop::open().await;
    let (user, product) = (shop.customer().await, shop.product(100, 10).await);
    shop.owner.execute(ERASE.bind(user)).await.expect("leaves");
    let items = [(product, 1)];
    let now = shop.places(purchase(user, "now", BODY, &items)).await;
    let later = shop.defers(purchase(user, "later", BODY, &items)).await;
    assert_eq!((refusal(now), refusal(later)), (Some(Kind::Unauthorized), Some(Kind::Unauthorized)));
    assert_eq!(shop.stock(product).await, 10);
}

#[tokio::test]
async fn a_cart_that_the_provider_would_not_charge_is_refused_before_its_stock_is_taken() {
    let shop = Shop::open().await;
    let user = shop.customer().await;
    let (cheap, dear) = (shop.product(7, 100).await, shop.product(60_000_000, 100).await);
    let place = async |items: &[(ProductId, i32)]| {
        let now = shop.places(purchase(user, "now", BODY, items)).await;
        let later = shop.defers(purchase(user, "later", BODY, items)).await;
        [detail(now), detail(later)]
    };
    for (items, told) in [
        ([(cheap, 7)], "must come to at least 0.50 usd"),
        ([(cheap, 1)], "must come to at least 0.50 usd"),
        ([(dear, 2)], "must come to at most 999999.99 usd"),
    ] {
        assert_eq!(place(&items).await, [told, told].map(|told| format!("items: {told}")));
    }
    assert_eq!((shop.stock(cheap).await, shop.stock(dear).await), (100, 100));
    // One that was there before anybody asked what is charged.
    let odd = shop.product(5_000, 100).await;
    shop.owner.execute(IN_ANOTHER_CURRENCY.bind(odd)).await.expect("changes");
    assert_eq!(place(&[(odd, 1)]).await, ["items: are sold in zzz, which cannot be charged"; 2]);
    assert_eq!(shop.stock(odd).await, 100);
    assert!(shop.totals(user).await.is_empty());
    // Eight of them come to enough.
    new(shop.places(purchase(user, "now", BODY, &[(cheap, 8)])).await);
    assert_eq!(shop.stock(cheap).await, 92);
}

#[tokio::test]
async fn a_cart_of_two_currencies_is_refused() {
    let shop = Shop::open().await;
    let (user, product, other) =
        (shop.customer().await, shop.product(1250, 10).await, shop.product(1250, 10).await);
    shop.owner.execute(IN_ANOTHER_CURRENCY.bind(other)).await.expect("changes");
    let cart = [(product, 1), (other, 1)];
    let refused = shop.places(purchase(user, "key", BODY, &cart)).await;
    assert_eq!(detail(refused), "items: must all be sold in one currency");
    assert_eq!((shop.stock(product).await, shop.stock(other).await), (10, 10));
    assert!(shop.totals(user).await.is_empty());
}

#[tokio::test]
async fn a_cart_that_costs_nothing_is_paid_at_once_even_while_the_provider_is_away() {
    let shop = Shop::open().await;
    let (user, gift) = (shop.customer().await, shop.product(0, 10).await);
    let later = shop.defers(purchase(user, "later", BODY, &[(gift, 2)])).await;
    let now = shop.places(purchase(user, "now", BODY, &[(gift, 1)])).await;
    let (Ok(Placed::Free(later)), Ok(Placed::Free(now))) = (later, now) else { panic!("not free") };
    for (key, answer) in [("later", later), ("now", now)] {
        assert_eq!((answer.status, answer.charge.status.as_str()), (OrderStatus::Paid, "not_needed"));
        let found = find(&shop.functions, user, answer.order_id).await.expect("answers").expect("is there");
        assert_eq!(found.answer(), answer);
        let again = if key == "now" { (gift, 1) } else { (gift, 2) };
        let again = shop.places(purchase(user, key, BODY, &[again])).await;
        assert!(matches!(again, Ok(Placed::Repeated(repeated)) if repeated == answer));
        assert!(
            claim(&shop.functions, answer.order_id, PATIENCE).await.expect("answers").is_none(),
            "nothing is left to do"
        );
    }
    assert_eq!(shop.stock(gift).await, 7);
}

/// A new order of one piece, and the right to charge it.
pub(crate) async fn leased(shop: &Shop, user: Uuid, product: ProductId) -> Lease {
    new(shop.places(purchase(user, "key", BODY, &[(product, 1)])).await)
}

#[tokio::test]
async fn one_holds_the_lease_of_an_order_and_after_it_ran_out_settles_nothing() {
    let shop = Shop::open().await;
    let (user, product) = (shop.customer().await, shop.product(100, 10).await);
    let late = leased(&shop, user, product).await;
    let order = late.order;
    assert!(claim(&shop.functions, order, PATIENCE).await.expect("answers").is_none(), "another holds it");
    shop.owner.execute(&END_LEASES).await.expect("updates");
    let lease = claim(&shop.functions, order, PATIENCE).await.expect("answers").expect("it ran out");
    let owner = shop.lease_owner(order).await;
    assert!(
        claim(&shop.functions, order, PATIENCE).await.expect("answers").is_none(),
        "the next one holds it"
    );

    let settled = leave(&shop.functions, late, Duration::ZERO).await.expect("answers");
    assert_eq!((settled.answer.status, settled.due_in), (OrderStatus::Charging, None));
    assert_eq!(shop.lease_owner(order).await, owner, "it is still the next one's");
    leave(&shop.functions, lease, Duration::ZERO).await.expect("settles");
    assert_eq!(shop.lease_owner(order).await, None);
}

#[tokio::test]
async fn a_customer_cancels_their_own_order_and_nobody_while_it_is_charged() {
    let shop = Shop::open().await;
    let (user, stranger) = (shop.customer().await, shop.customer().await);
    let product = shop.product(100, 10).await;
    let deferred = shop.defers(purchase(user, "later", BODY, &[(product, 1)])).await;
    let deferred = new(deferred).order_id;
    let cancel = async |user, order| claim_to_cancel(&shop.functions, user, order).await.expect("answers");
    assert!(cancel(stranger, deferred).await.is_none());
    assert!(cancel(user, deferred).await.is_some());
    let charging = leased(&shop, user, product).await.order;
    assert!(cancel(user, charging).await.is_none());
}
