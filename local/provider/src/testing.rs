//! A provider for a test: on a free port, with a folder of its own.

use std::time::Duration;

use serde_json::{Value, json};
use shared::payments::{Intent, Money, Outcome, Payments, Reply, Secret};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::serve::{Settings, serve};
use super::webhooks;

/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(20);

/// The shop's key.
pub(super) const KEY: &str = "sk_test_millrace";

/// The shop's signing secret.
pub(super) const SIGNING_SECRET: &str = "whsec_millrace";

/// A running provider, and a client of it.
pub(super) struct Double {
    pub(super) payments: Payments,
    pub(super) url: String,
    folder: TempDir,
    http: reqwest::Client,
    task: JoinSet<anyhow::Result<()>>,
}

impl Double {
    pub(super) async fn start() -> Self {
        Self::start_in(tempfile::tempdir().expect("a folder"), None).await
    }

    pub(super) async fn start_with_webhooks(url: String) -> Self {
        Self::start_in(tempfile::tempdir().expect("a folder"), Some(url)).await
    }

    /// Stops this one without a word, as a SIGKILL would, and starts another on its folder.
    pub(super) async fn restart(mut self) -> Self {
        self.task.shutdown().await;
        Self::start_in(self.folder, None).await
    }

    async fn start_in(folder: TempDir, url_of_shop: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let settings = Settings {
            data: folder.path().to_owned(),
            secret_key: Secret::new(KEY),
            webhooks: webhooks::Settings::new(url_of_shop, Secret::new(SIGNING_SECRET)),
        };
        let mut task = JoinSet::new();
        task.spawn(serve(listener, settings));
        Self { payments: client(&url), url, folder, http: reqwest::Client::new(), task }
    }

    /// A control request that must succeed.
    pub(super) async fn control(&self, method: &str, path: &str, body: Value) -> Value {
        let method = method.parse::<reqwest::Method>().expect("a method");
        let request = self.http.request(method, format!("{}/_control/{path}", self.url));
        let response = request.body(body.to_string()).send().await.expect("answered");
        let (status, text) = (response.status(), response.text().await.expect("a body"));
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    pub(super) async fn fault(&self, order: Value) {
        self.control("POST", "faults", order).await;
    }

    /// A new intent of an order, not confirmed yet.
    pub(super) async fn intent(&self, order: Uuid, card: &str) -> Intent {
        let reply = self.payments.create_intent(order, &price(), card, soon()).await;
        let Outcome::Answered(intent) = reply.outcome else { panic!("{reply:?}") };
        intent
    }

    /// Confirms it with the order's first key.
    pub(super) async fn confirm(&self, order: Uuid, intent: &str) -> Reply<Intent> {
        self.payments.confirm_intent(order, intent, 1, None, soon()).await
    }

    /// Sums of the successful charges of an order: how many, and how much of them was given back.
    pub(super) async fn charged(&self, order: Uuid) -> (usize, i64) {
        let ledger = self.control("GET", "ledger", Value::Null).await;
        let charges = ledger["charges"].as_array().expect("charges");
        let of_order = charges
            .iter()
            .filter(|charge| charge["order_id"] == json!(order) && charge["status"] == "succeeded");
        of_order.fold((0, 0), |(count, back), charge| {
            (count + 1, back + charge["amount_refunded"].as_i64().expect("an amount"))
        })
    }

    /// Waits until the provider has begun to confirm or cancel the intent.
    pub(super) async fn is_working_on(&self, intent: &str) {
        let name = json!(format!("intent {intent}"));
        while !self.control("GET", "running", Value::Null).await.as_array().expect("names").contains(&name) {
            sleep(POLL).await;
        }
    }

    /// Waits until connections are accepted again.
    pub(super) async fn listens_again(&self) {
        while self.http.get(format!("{}/_control", self.url)).send().await.is_err() {
            sleep(POLL).await;
        }
    }

    /// Asks with the order's first key until it is no longer running.
    pub(super) async fn until_settled(&self, order: Uuid, intent: &str) -> Reply<Intent> {
        loop {
            let reply = self.confirm(order, intent).await;
            if reply.outcome != Outcome::Running {
                return reply;
            }
            sleep(POLL).await;
        }
    }

    /// What the provider saw, as `operation answer`.
    pub(super) async fn seen(&self) -> Vec<String> {
        let requests = self.control("GET", "requests", Value::Null).await;
        let line = |request: &Value| {
            let replayed = if request["replayed"] == true { " replayed" } else { "" };
            format!(
                "{} {}{replayed}",
                request["operation"].as_str().unwrap_or("-"),
                request["answer"].as_str().unwrap_or("-")
            )
        };
        requests.as_array().expect("requests").iter().map(line).collect()
    }
}

pub(super) fn client(url: &str) -> Payments {
    let settings = shared::payments::Settings { base_url: url.to_owned(), secret_key: Secret::new(KEY) };
    Payments::new(&settings).expect("settings")
}

pub(super) fn price() -> Money {
    Money { amount: 1_999, currency: "eur".to_owned() }
}

/// More time than any call may take.
pub(super) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}
