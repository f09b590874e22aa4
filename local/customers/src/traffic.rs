//! What customers of the demo shop send, as events: for benchmarks and load.

use anyhow::{Context, Result};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::auth::token::Role;
use uuid::Uuid;

use cloud::Cloud;
use cloud::demo;
use lambda::gateway::{HttpRequest, Router, event};

/// An event and the function that it is for.
pub type Invocation = (String, Bytes);

/// In minor units; nothing in the demo costs as much.
const MORE_THAN_ANY: u64 = 10_000_000;

/// Makes events.
pub struct Traffic {
    router: Router,
    /// How many demo products there are.
    products: u64,
    /// How many demo users.
    users: u64,
    customers: Vec<String>,
    /// As many, because each may only make so many requests a minute.
    administrators: Vec<String>,
}

/// A request in the making.
struct Call<'a> {
    method: &'a str,
    path: &'a str,
    query: &'a str,
    token: Option<&'a str>,
    key: Option<&'a str>,
    body: Option<Value>,
    /// Numbers callers, each with an address of its own.
    caller: u64,
}

impl<'a> Call<'a> {
    fn new(method: &'a str, path: &'a str, caller: u64) -> Self {
        Self { method, path, query: "", token: None, key: None, body: None, caller }
    }
}

impl Traffic {
    /// For a cloud with demo data of this scale.
    pub fn new(cloud: &Cloud, scale: u32) -> Result<Self> {
        let users = demo::USERS * u64::from(scale);
        let tokens = |role: Role| {
            let token = |number| cloud.secrets.access_token(user_id(number), role);
            (0..users).map(token).collect::<Result<_>>()
        };
        Ok(Self {
            router: Router::new(&cloud.template.functions),
            products: demo::PRODUCTS * u64::from(scale),
            users,
            customers: tokens(Role::Customer)?,
            administrators: tokens(Role::Administrator)?,
        })
    }

    /// How many products there are to ask for.
    pub fn products(&self) -> u64 {
        self.products
    }

    /// Looks at a product; numbers beyond the last begin again.
    pub fn product(&self, caller: u64, number: u64) -> Result<Invocation> {
        self.product_of(caller, &self.product_id(number).to_string())
    }

    /// Looks at a product, which need not be of the demo data.
    pub fn product_of(&self, caller: u64, id: &str) -> Result<Invocation> {
        self.event(&Call::new("GET", &format!("/api/products/{id}"), caller))
    }

    /// The front page's list.
    pub fn featured(&self, caller: u64) -> Result<Invocation> {
        self.event(&Call::new("GET", "/api/products/featured", caller))
    }

    /// The first page of all products, the newest first.
    pub fn list(&self, caller: u64) -> Result<Invocation> {
        self.event(&Call::new("GET", "/api/products", caller))
    }

    /// Words to search for.
    pub fn search(&self, caller: u64, words: &str) -> Result<Invocation> {
        let query = format!("q={}", words.replace(' ', "+"));
        self.event(&Call { query: &query, ..Call::new("GET", "/api/search", caller) })
    }

    /// The same at any price, asked so that each number is another search to the caches.
    pub fn search_anew(&self, caller: u64, words: &str, number: u64) -> Result<Invocation> {
        let query =
            format!("q={}&currency=usd&max_price={}", words.replace(' ', "+"), MORE_THAN_ANY + number);
        self.event(&Call { query: &query, ..Call::new("GET", "/api/search", caller) })
    }

    /// An administrator gives a product another price.
    pub fn update(&self, caller: u64, number: u64) -> Result<Invocation> {
        let path = format!("/api/products/{}", self.product_id(number));
        let body = json!({
            "name": "Walnut desk lamp",
            "description": "Warm light, a foot of solid walnut, two metres of cable.",
            "price": { "amount": 7900, "currency": "usd" },
            "featured": false
        });
        let token = nth(&self.administrators, caller);
        self.event(&Call { token, body: Some(body), ..Call::new("PUT", &path, caller) })
    }

    /// One of the demo users logs in.
    pub fn login(&self, caller: u64) -> Result<Invocation> {
        let email = format!("user-{}@millrace.example", caller % self.users + 1);
        let body = json!({ "email": email, "password": demo::PASSWORD });
        self.event(&Call { body: Some(body), ..Call::new("POST", "/api/auth/login", caller) })
    }

    /// The caller's own orders.
    pub fn orders(&self, caller: u64) -> Result<Invocation> {
        self.event(&Call { token: self.customer(caller), ..Call::new("GET", "/api/orders", caller) })
    }

    /// The caller's own account.
    pub fn account(&self, caller: u64) -> Result<Invocation> {
        self.event(&Call { token: self.customer(caller), ..Call::new("GET", "/api/me", caller) })
    }

    /// The first page of everybody's orders, as an administrator sees it.
    pub fn all_orders(&self, caller: u64) -> Result<Invocation> {
        let token = nth(&self.administrators, caller);
        self.event(&Call { token, ..Call::new("GET", "/api/admin/orders", caller) })
    }

    /// Somebody's order with all that happened to it, as an administrator sees it.
    pub fn anybodys_order(&self, caller: u64) -> Result<Invocation> {
        let path = format!("/api/admin/orders/{}", order_id(caller % self.users));
        let token = nth(&self.administrators, caller);
        self.event(&Call { token, ..Call::new("GET", &path, caller) })
    }

    /// The caller's own order: order n is user n's.
    pub fn order(&self, caller: u64) -> Result<Invocation> {
        let path = format!("/api/orders/{}", order_id(caller % self.users));
        self.event(&Call { token: self.customer(caller), ..Call::new("GET", &path, caller) })
    }

    /// Cancels an order that is cancelled already, which can be repeated.
    pub fn cancel(&self, caller: u64) -> Result<Invocation> {
        // The 23rd of a user's 50 orders is cancelled, except the last user's; see demo/orders.sql.
        let user = caller % (self.users - 1);
        let path = format!("/api/orders/{}/cancel", order_id(22 * self.users + user));
        self.event(&Call { token: self.customer(user), ..Call::new("POST", &path, caller) })
    }

    /// Buys one piece of a product, under a key of its own.
    pub fn checkout(&self, caller: u64, product: u64) -> Result<Invocation> {
        let key = Uuid::now_v7().to_string();
        let body = json!({
            "items": [{ "product_id": self.product_id(product), "quantity": 1 }],
            "payment_method": "pm_card_visa"
        });
        let call = Call::new("POST", "/api/checkout", caller);
        self.event(&Call { token: self.customer(caller), key: Some(&key), body: Some(body), ..call })
    }

    /// Orders with their items and products.
    pub fn graphql(&self, caller: u64) -> Result<Invocation> {
        let query =
            "{ orders(limit: 5) { id status total { amount } items { quantity product { id name } } } }";
        let token = self.customer(caller);
        let body = Some(json!({ "query": query }));
        self.event(&Call { token, body, ..Call::new("POST", "/api/graphql", caller) })
    }

    /// Counted from 0.
    fn product_id(&self, number: u64) -> Uuid {
        Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 | u128::from(number % self.products + 1))
    }

    fn customer(&self, caller: u64) -> Option<&str> {
        nth(&self.customers, caller)
    }

    fn event(&self, call: &Call<'_>) -> Result<Invocation> {
        let authorization = call.token.map(|token| format!("Bearer {token}"));
        let body = call.body.as_ref().map(Value::to_string).unwrap_or_default();
        // From 10.0.0.1 on.
        let [_, a, b, c, ..] = u32::try_from(call.caller % 0xff_ffff + 1)?.to_be_bytes();
        let source = format!("10.{a}.{b}.{c}");
        let mut headers = vec![("host", "shop.example.com"), ("user-agent", "millrace"), ("accept", "*/*")];
        headers.extend(authorization.as_deref().map(|value| ("authorization", value)));
        headers.extend(call.key.map(|key| ("idempotency-key", key)));
        headers.extend(call.body.is_some().then_some(("content-type", "application/json")));
        let matched = self.router.find(call.method, call.path).context("template.yaml has no such route")?;
        let request = HttpRequest {
            method: call.method,
            path: call.path,
            query: call.query,
            headers,
            source: &source,
            body: body.as_bytes(),
        };
        Ok((matched.function.to_owned(), event(&matched, &request)?))
    }
}

/// What is looked at in an answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    status_code: u16,
}

/// The HTTP status of a function's answer.
pub fn status(answer: &[u8]) -> Result<u16> {
    let Status { status_code } = serde_json::from_slice(answer).context("no answer to an HTTP event")?;
    Ok(status_code)
}

fn nth(tokens: &[String], caller: u64) -> Option<&str> {
    let number = usize::try_from(caller).unwrap_or_default() % tokens.len().max(1);
    tokens.get(number).map(String::as_str)
}

fn user_id(number: u64) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_9000_0000_0000_0000 | u128::from(number + 1))
}

fn order_id(number: u64) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_a000_0000_0000_0000 | u128::from(number + 1))
}
