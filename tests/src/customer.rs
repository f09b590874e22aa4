//! Customers of the tests: accounts of their own, so that no test meets another's orders or rate limits.

use serde_json::{Value, json};
use shared::auth::password;
use shared::auth::token::{Issuer, LIFETIME, Role};
use shared::database::Statement;
use uuid::Uuid;

use crate::{Answer, Call, database, env, new_key};

static REGISTER: Statement = Statement::new(
    "tests.register",
    "insert into users (id, email, password_hash, role) values ($1, $2, $3, $4)",
);

/// A customer with an account.
#[derive(Clone)]
pub struct Customer {
    /// The user's id.
    pub id: Uuid,
    /// To log in with.
    pub email: String,
    /// A ready access token.
    pub token: String,
}

/// What every customer of the tests logs in with.
pub const PASSWORD: &str = "a password of the tests";

impl Customer {
    /// Registers a new customer.
    pub async fn register() -> Self {
        Self::with_hash(&password::hash(PASSWORD.to_owned()).await.expect("hashes")).await
    }

    /// Registers so many new customers. Their passwords are hashed once, which would otherwise take all the time.
    pub async fn register_many(number: usize) -> Vec<Self> {
        let hash = password::hash(PASSWORD.to_owned()).await.expect("hashes");
        let mut customers = Vec::with_capacity(number);
        for _ in 0..number {
            customers.push(Self::with_hash(&hash).await);
        }
        customers
    }

    async fn with_hash(hash: &str) -> Self {
        let (id, email) = register(hash, "customer").await;
        Self { id, email, token: token(id, Role::Customer) }
    }

    /// A request in this customer's name.
    pub fn call(&self, function: &'static str, method: &'static str, path: impl Into<String>) -> Call {
        Call::new(function, method, path).bearer(&self.token)
    }

    /// A checkout of this cart under this idempotency key.
    pub fn checkout_of(&self, key: &str, cart: &Value) -> Call {
        self.call("checkout", "POST", "/api/checkout").header("idempotency-key", key).json(cart)
    }

    /// A checkout of `quantity` pieces of one product under this idempotency key.
    pub fn checkout(&self, key: &str, product: &str, quantity: i64, payment_method: &str) -> Call {
        let items = json!([{ "product_id": product, "quantity": quantity }]);
        self.checkout_of(key, &json!({ "items": items, "payment_method": payment_method }))
    }

    /// Buys one piece with a good card under a new key.
    pub async fn buys(&self, product: &str) -> Answer {
        self.checkout(&new_key(), product, 1, "pm_card_visa").send().await
    }

    /// One of this customer's orders.
    pub async fn order(&self, id: &str) -> Value {
        let call = self.call("get-order", "GET", format!("/api/orders/{id}")).parameter("id", id);
        call.send().await.expect(200).json()
    }
}

/// A login with this password.
pub fn log_in(email: &str, password: &str) -> Call {
    Call::new("login", "POST", "/api/auth/login").json(&json!({ "email": email, "password": password }))
}

/// A token for an administrator who has made no requests yet.
pub fn administrator() -> String {
    token(Uuid::now_v7(), Role::Administrator)
}

fn token(user: Uuid, role: Role) -> String {
    Issuer::new(env("TOKEN_PRIVATE_KEY")).expect("a key").issue(user, role, LIFETIME).expect("issues")
}

/// A token for a new administrator, whose name can stand in an order's history.
pub async fn administrator_with_account() -> String {
    let (id, _) = register("", "administrator").await;
    token(id, Role::Administrator)
}

/// A new account; its id and address.
async fn register(password_hash: &str, role: &str) -> (Uuid, String) {
    let id = Uuid::now_v7();
    let email = format!("{id}@example.com");
    let query = REGISTER.bind(id).bind(email.as_str()).bind(password_hash).bind(role);
    database().execute(query).await.expect("registers");
    (id, email)
}
