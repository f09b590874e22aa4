//! What customers do, all at once.

use serde_json::Value;
use tokio::time::sleep;

use super::customer::{self, Customer};
use super::dice::Dice;
use super::shop;
use super::shopkeeper::Shopkeeper;
use super::witness::Said;
use super::world::World;

/// People in the shop at a time.
pub(super) const CUSTOMERS: u32 = 28;

#[derive(Clone, Copy, Debug)]
enum Journey {
    Browse,
    Buy,
    /// Hangs up before the answer and submits again, with the same key.
    BuyInAHurry,
    /// Submits several times at once.
    BuyTwice,
    /// Cancels while the bank is still asked.
    ChangeOfMind,
    /// Buys; then an administrator gives the money back, whole or in parts, and pieces come back.
    BringBack,
    /// Pieces come in, or are found to be missing, while others buy.
    Restock,
    /// An administrator changes a product while others read it.
    Edit,
}

const JOURNEYS: [(u32, Journey); 8] = [
    (12, Journey::Browse),
    (44, Journey::Buy),
    (10, Journey::BuyInAHurry),
    (12, Journey::BuyTwice),
    (10, Journey::ChangeOfMind),
    (12, Journey::Edit),
    (18, Journey::BringBack),
    (8, Journey::Restock),
];

const PAYS: &str = "pm_card_visa";
const ASKS_FIRST: &str = "pm_card_authenticationRequired";

const CARDS: [(u32, &str); 6] = [
    (60, PAYS),
    (12, "pm_card_visa_chargeDeclined"),
    (3, "pm_card_chargeDeclinedExpiredCard"),
    (14, ASKS_FIRST),
    (4, "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"),
    (7, "pm_card_processing"),
];

/// One journey after another until the shop closes.
pub(super) async fn live(world: &World, seat: u32) {
    let mut dice = Dice::new(world.seed, 1_000 + u64::from(seat));
    let mut user = shop::FIRST_CUSTOMER + seat;
    while world.is_open() {
        let customer = Customer::new(world, user, None);
        // Nobody comes twice: each journey finds the limits of its own account untouched.
        user += CUSTOMERS;
        let shopkeeper = Shopkeeper::new(world, user);
        if let Some(journey) = dice.weighted(&JOURNEYS) {
            travel(world, journey, &customer, &shopkeeper, &mut dice).await;
        }
        sleep(dice.pause(50, 500)).await;
    }
}

async fn travel(
    world: &World,
    journey: Journey,
    customer: &Customer<'_>,
    shopkeeper: &Shopkeeper<'_>,
    dice: &mut Dice,
) {
    match journey {
        Journey::Browse => {
            for _ in 0..4 {
                customer.browse(any_product(dice)).await;
            }
            customer.search(any_product(dice)).await;
        }
        Journey::Edit => {
            let product = any_product(dice);
            let (price, text) = (dice.number(100, 5_000), format!("Changed: {}.", dice.name()));
            // Saved twice: readers find nothing in the cache, and fill it while the second change comes.
            customer::update(world, product, price, text.clone()).await;
            let change = customer::update(world, product, price + 1, text);
            // Readers before, during and after.
            let readers = futures::future::join_all((0..3).map(|_| customer.browse(product)));
            futures::future::join3(change, readers, customer.search(product)).await;
            for _ in 0..2 {
                futures::future::join(customer.browse(product), customer.search(product)).await;
            }
        }
        Journey::Restock => {
            for _ in 0..4 {
                let (product, change) = (any_product(dice), i64::from(dice.number(1, 5)));
                shopkeeper.restock(product, if dice.percent(30) { -change } else { change }).await;
            }
        }
        Journey::BringBack => {
            let purchase = choose(customer, dice, Some(PAYS));
            let said = customer.submit(purchase, None).await.filter(|said| said.word == "paid");
            if let Some(said) = said {
                bring_back(world, shopkeeper, purchase, &said, dice).await;
            }
        }
        Journey::Buy | Journey::BuyInAHurry => {
            let purchase = choose(customer, dice, None);
            let impatience = matches!(journey, Journey::BuyInAHurry).then(|| dice.pause(5, 150));
            if let Some(said) = customer.submit(purchase, impatience).await {
                follow_up(world, customer, purchase, &said, dice).await;
            }
        }
        Journey::BuyTwice => {
            let purchase = choose(customer, dice, None);
            let submits = (0..dice.number(2, 4)).map(|_| customer.submit(purchase, None));
            let answers = futures::future::join_all(submits).await;
            if let Some(said) = answers.into_iter().flatten().next() {
                follow_up(world, customer, purchase, &said, dice).await;
            }
        }
        Journey::ChangeOfMind => change_mind(world, customer, dice).await,
    }
}

/// Cancels while the bank is asking.
async fn change_mind(world: &World, customer: &Customer<'_>, dice: &mut Dice) {
    let purchase = choose(customer, dice, Some(ASKS_FIRST));
    // Out of stock: there is no order to cancel.
    let said = customer.submit(purchase, None).await.filter(|said| !said.order.is_empty());
    let Some(said) = said else { return };
    let authenticates = async {
        if let Some(intent) = &said.intent {
            world.provider.settle(intent, true).await.ok();
        }
    };
    futures::future::join(authenticates, customer.cancel(purchase, &said.order)).await;
}

/// One to three products; often the last pieces of one that all want.
fn choose(customer: &Customer<'_>, dice: &mut Dice, card: Option<&'static str>) -> usize {
    let mut products: Vec<u32> = (0..dice.number(1, 3)).map(|_| any_product(dice)).collect();
    products.sort_unstable();
    products.dedup();
    dice.shuffle(&mut products);
    let items: Vec<_> = products.into_iter().map(|product| (product, dice.number(1, 3))).collect();
    let card = card.or_else(|| dice.weighted(&CARDS)).unwrap_or(ASKS_FIRST);
    customer.choose(dice.name(), &items, card)
}

fn any_product(dice: &mut Dice) -> u32 {
    dice.number(1, shop::PRODUCTS)
}

/// All of the money, or a half and sometimes the rest; a piece of each line comes back with what is given back first,
/// and the same key is sent twice at once.
async fn bring_back(
    world: &World,
    shopkeeper: &Shopkeeper<'_>,
    purchase: usize,
    said: &Said,
    dice: &mut Dice,
) {
    let mut pieces = world.witness.purchase(purchase).body["items"].clone();
    for line in pieces.as_array_mut().into_iter().flatten() {
        line["quantity"] = 1.into();
    }
    let half = (said.total / 2).max(1);
    let (amount, key) = (dice.percent(60).then_some(half), dice.name());
    let twice = (0..2).map(|_| shopkeeper.give_back(&said.order, &key, amount, &pieces));
    futures::future::join_all(twice).await;
    if amount.is_some() && dice.percent(50) {
        shopkeeper.give_back(&said.order, &dice.name(), None, &Value::Array(Vec::new())).await;
    }
}

/// What a customer does about an order that is not finished.
async fn follow_up(world: &World, customer: &Customer<'_>, purchase: usize, said: &Said, dice: &mut Dice) {
    if said.status != 202 {
        return;
    }
    let decision = dice.number(0, 99);
    match (&said.intent, decision) {
        (Some(intent), 0..60) => drop(world.provider.settle(intent, true).await),
        (Some(intent), 60..75) => drop(world.provider.settle(intent, false).await),
        // Goes away: the deadline ends it.
        (Some(_), 75..88) => {}
        (Some(_), _) | (None, 0..25) => customer.cancel(purchase, &said.order).await,
        (None, _) => drop(customer.look(&said.order).await),
    }
}
