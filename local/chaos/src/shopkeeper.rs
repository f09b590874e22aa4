//! Who runs the shop: gives money back and counts stock, as a good client does.

use serde_json::{Value, json};
use shared::auth::token::Role;
use tokio::time::{Instant, sleep};

use super::chronicle::Span;
use super::customer::{PATIENCE, PAUSE, request};
use super::door::{Reply, Request};
use super::shop;
use super::witness::StockChange;
use super::world::World;

/// An administrator whose limits nobody else uses up.
pub(super) struct Shopkeeper<'a> {
    world: &'a World,
    user: u32,
    token: String,
}

impl<'a> Shopkeeper<'a> {
    pub(super) fn new(world: &'a World, user: u32) -> Self {
        let token = world.token(shop::user(user), Role::Administrator);
        Self { world, user, token }
    }

    /// Gives so much of an order back, or all that is left, until there is an answer.
    pub(super) async fn give_back(&self, order: &str, key: &str, amount: Option<i64>, returned: &Value) {
        let body = json!({ "amount": amount, "returned": returned });
        let path = format!("/api/orders/{order}/refund");
        let request =
            self.request("refund-order", "POST", path, &body).with("idempotency-key", key.to_owned());
        while self.world.serves() {
            match self.world.send(&request, PATIENCE).await {
                Some(Reply { status: 200 | 202, body }) => {
                    let word = body["status"].as_str().unwrap_or_default();
                    let amount = body["amount"].as_i64().unwrap_or_default();
                    self.world.witness.refunded(order, key, amount, word);
                    return;
                }
                None | Some(Reply { status: 409 | 429 | 503, .. }) => {}
                Some(reply) => return self.world.complain(&request, &reply),
            }
            sleep(PAUSE).await;
        }
    }

    /// So many pieces of a product come in, or are found to be missing. Sent once: without an answer nobody knows
    /// whether it was done, and to do it again would do it twice.
    pub(super) async fn restock(&self, product: u32, change: i64) {
        let id = shop::product(product);
        let path = format!("/api/products/{id}/stock");
        let request = self.request("set-stock", "PUT", path, &json!({ "change": change }));
        let asked = Instant::now();
        let acknowledged = match self.world.send(&request, PATIENCE).await {
            Some(Reply { status: 200, .. }) => true,
            // Nothing was changed: too few are left, or too many requests were sent.
            Some(Reply { status: 409 | 429, .. }) => return,
            None | Some(Reply { status: 503, .. }) => false,
            Some(reply) => return self.world.complain(&request, &reply),
        };
        let when = Span::since(asked);
        self.world.witness.restocked(StockChange { product: id, change, acknowledged, when });
    }

    fn request(&self, function: &'static str, method: &'static str, path: String, body: &Value) -> Request {
        request(function, method, path, self.user, &self.token).sends(body)
    }
}
