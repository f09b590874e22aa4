//! A good client: it keeps its idempotency key, tries again where an answer says so or none came, and remembers what it
//! was told.

use std::time::Duration;

use serde_json::{Value, json};
use shared::auth::token::Role;
use time::OffsetDateTime;
use tokio::time::{Instant, sleep};

use super::door::{Reply, Request};
use super::shop;
use super::witness::{Purchase, Said, Submission};
use super::world::World;

/// Longer than any function takes.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// Between two tries. The answers ask for more; a run has less time than a shop.
pub(super) const PAUSE: Duration = Duration::from_millis(400);

/// One customer on one journey.
pub(super) struct Customer<'a> {
    world: &'a World,
    user: u32,
    token: String,
    /// When to stop trying, if not soon after the shop has closed; the run's end tries once more.
    until: Option<Instant>,
}

impl<'a> Customer<'a> {
    pub(super) fn new(world: &'a World, user: u32, until: Option<Instant>) -> Self {
        let token = world.token(shop::user(user), Role::Customer);
        Self { world, user, token, until }
    }

    fn tries(&self) -> bool {
        self.until.map_or_else(|| self.world.serves(), |until| Instant::now() < until)
    }

    /// Decides to buy; the purchase's number.
    pub(super) fn choose(&self, key: String, items: &[(u32, u32)], payment_method: &str) -> usize {
        let items: Vec<Value> = items
            .iter()
            .map(|(product, quantity)| json!({ "product_id": shop::product(*product), "quantity": quantity }))
            .collect();
        let body = json!({ "items": items, "payment_method": payment_method });
        self.world.witness.begin(self.user, key, body)
    }

    /// Submits a purchase until there is a final answer. `impatience`: hangs up after so long and submits again.
    pub(super) async fn submit(&self, purchase: usize, impatience: Option<Duration>) -> Option<Said> {
        let witness = &self.world.witness;
        let Purchase { key, body, mut unheard, .. } = witness.purchase(purchase);
        let request = self
            .request("checkout", "POST", "/api/checkout".to_owned())
            .with("idempotency-key", key.clone())
            .sends(&body);
        let mut impatience = impatience;
        while self.tries() {
            // Hangs up once; then it waits.
            let reply = match impatience.take() {
                Some(impatience) => self.world.send(&request, impatience).await,
                None => self.wait_for(&request, &key).await,
            };
            let kind = reply.as_ref().and_then(|reply| reply.body["type"].as_str()).unwrap_or_default();
            match &reply {
                Some(reply) if matches!(reply.status, 200..=202 | 402) => {
                    let said = said(reply);
                    witness.said(purchase, said.clone());
                    return Some(said);
                }
                // Pieces may come in before the request that was not answered arrives: then that one places the order.
                Some(_) if kind.ends_with(":out-of-stock") && unheard => {
                    witness.heard(purchase);
                    sleep(self.world.checkout_lives).await;
                    unheard = false;
                }
                Some(reply) if kind.ends_with(":out-of-stock") => {
                    let said = Said { status: reply.status, ..Said::default() };
                    witness.said(purchase, said.clone());
                    return Some(said);
                }
                None => {
                    unheard = true;
                    witness.unheard(purchase);
                }
                Some(Reply { status: 409 | 429 | 503, .. }) => {}
                Some(reply) => self.world.complain(&request, reply),
            }
            sleep(PAUSE).await;
        }
        None
    }

    async fn wait_for(&self, checkout: &Request, key: &str) -> Option<Reply> {
        let sent = OffsetDateTime::now_utc();
        let reply = self.world.send(checkout, PATIENCE).await;
        let ended = OffsetDateTime::now_utc();
        self.world.witness.submitted(Submission { key: key.to_owned(), sent, ended });
        reply
    }

    /// Cancels an order, until there is an answer.
    pub(super) async fn cancel(&self, purchase: usize, order: &str) {
        let request = self.request("cancel-order", "POST", format!("/api/orders/{order}/cancel"));
        while self.tries() {
            match self.world.send(&request, PATIENCE).await {
                Some(reply) if matches!(reply.status, 200 | 202) => {
                    let word = reply.body["status"].as_str().unwrap_or_default();
                    self.world.witness.cancelled(purchase, word);
                    return;
                }
                // Paid, declined, or being charged: not to be cancelled (now).
                Some(Reply { status: 409, .. }) => return,
                None | Some(Reply { status: 429 | 503, .. }) => {}
                Some(reply) => self.world.complain(&request, &reply),
            }
            sleep(PAUSE).await;
        }
    }

    /// Looks at an order: where it stands.
    pub(super) async fn look(&self, order: &str) -> Option<String> {
        let request = self.request("get-order", "GET", format!("/api/orders/{order}"));
        let reply = self.world.send(&request, PATIENCE).await?;
        match reply.status {
            200 => reply.body["status"].as_str().map(str::to_owned),
            429 | 503 => None,
            _ => {
                self.world.complain(&request, &reply);
                None
            }
        }
    }

    /// Looks at a product, and whether it is older than what others know already.
    pub(super) async fn browse(&self, product: u32) {
        let witness = &self.world.witness;
        let request = self.request("get-product", "GET", format!("/api/products/{}", shop::product(product)));
        let reader = witness.freshness(|freshness| freshness.reader(product, "its page"));
        match self.world.send(&request, PATIENCE).await {
            Some(Reply { status: 200, body }) => {
                let version = body["version"].as_i64().unwrap_or_default();
                witness.freshness(|freshness| freshness.read(reader, version));
            }
            None | Some(Reply { status: 429 | 503, .. }) => {}
            Some(reply) => self.world.complain(&request, &reply),
        }
    }

    /// Searches for a product by its name, which no update changes, and looks whether it is older than what others
    /// know.
    pub(super) async fn search(&self, product: u32) {
        let witness = &self.world.witness;
        let request = self.request("search-products", "GET", format!("/api/search?q=product+{product}"));
        let reader = witness.freshness(|freshness| freshness.reader(product, "a search"));
        let id = shop::product(product).to_string();
        match self.world.send(&request, PATIENCE).await {
            Some(Reply { status: 200, body }) => {
                let mut found = body["products"].as_array().into_iter().flatten();
                match found.find(|found| found["id"] == id.as_str()) {
                    Some(found) => {
                        let version = found["version"].as_i64().unwrap_or_default();
                        witness.freshness(|freshness| freshness.read(reader, version));
                    }
                    None => witness.complain(format!("product {product} is not found by its name")),
                }
            }
            None | Some(Reply { status: 429 | 503, .. }) => {}
            Some(reply) => self.world.complain(&request, &reply),
        }
    }

    fn request(&self, function: &'static str, method: &'static str, path: String) -> Request {
        request(function, method, path, self.user, &self.token)
    }
}

impl Request {
    pub(super) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(super) fn sends(self, body: &Value) -> Self {
        Self { body: Some(body.to_string()), ..self.with("content-type", "application/json".to_owned()) }
    }
}

/// In this user's name, from an address that only this user has.
pub(super) fn request(
    function: &'static str,
    method: &'static str,
    path: String,
    user: u32,
    token: &str,
) -> Request {
    let [_, a, b, c] = user.to_be_bytes();
    Request {
        function,
        method,
        path,
        headers: vec![("host", "shop.example.com".to_owned()), ("authorization", format!("Bearer {token}"))],
        source: format!("10.{a}.{b}.{c}"),
        body: None,
    }
}

fn said(reply: &Reply) -> Said {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let secret = reply.body["charge"]["client_secret"].as_str();
    let intent = secret.and_then(|secret| secret.split_once("_secret")).map(|(intent, _)| intent.to_owned());
    // A problem's own `status` is the HTTP status; a declined order is a failed one.
    let word = if reply.status == 402 { "failed".to_owned() } else { text(&reply.body["status"]) };
    let total = reply.body["total"]["amount"].as_i64().unwrap_or_default();
    Said { status: reply.status, order: text(&reply.body["order_id"]), word, total, intent }
}

/// The administrator changes a product; the next version is announced to all readers once it is acknowledged.
pub(super) async fn update(world: &World, product: u32, price: u32, text: String) {
    let token = world.token(shop::ADMINISTRATOR, Role::Administrator);
    // Each from an address and in the name of nobody else: the shop's limit of 100 a minute is not what is tried here.
    let body = json!({
        "name": format!("Product {product}"),
        "description": text,
        "price": { "amount": price, "currency": "usd" },
        "featured": product.is_multiple_of(8),
    });
    let path = format!("/api/products/{}", shop::product(product));
    let request = request("update-product", "PUT", path, 2, &token).sends(&body);
    match world.send(&request, PATIENCE).await {
        Some(Reply { status: 200, body }) => {
            let version = body["version"].as_i64().unwrap_or_default();
            world.witness.freshness(|freshness| freshness.updated(product, version));
        }
        None | Some(Reply { status: 429 | 503, .. }) => {}
        Some(reply) => world.complain(&request, &reply),
    }
}
