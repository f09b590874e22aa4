//! A payment provider that answers what it is told to, each operation one thing until it is told another.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};
use shared::payments::{Payments, Secret, Settings};

#[derive(Default)]
struct Told {
    answers: HashMap<&'static str, (u16, String)>,
    once: HashMap<&'static str, (u16, String)>,
    seen: Vec<String>,
    /// The latest form of each operation.
    forms: HashMap<&'static str, String>,
    /// The order that the latest payment was made for.
    order: Option<String>,
    /// Operations whose first key replays an answer for ever, and that key once it was seen.
    spent: HashMap<&'static str, (u16, String, Option<String>)>,
}

pub(crate) struct Provider {
    pub(crate) payments: Payments,
    told: Arc<Mutex<Told>>,
}

impl Provider {
    /// One that answers every request with this.
    pub(crate) fn that_says(status: u16, body: &Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base_url = format!("http://{}", listener.local_addr().expect("an address"));
        let settings = Settings { base_url, secret_key: Secret::new("sk_test_of_the_tests") };
        let told = Arc::new(Mutex::new(Told::default()));
        let provider = Self { payments: Payments::new(&settings).expect("a client"), told: told.clone() };
        for operation in ["create", "confirm", "look", "cancel", "refund"] {
            provider.says(operation, status, body);
        }
        // Nothing was ever made.
        for look in ["list", "search", "refunds"] {
            provider.says(look, 200, &json!({ "data": [], "has_more": false }));
        }
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let told = told.clone();
                thread::spawn(move || serve(&stream, &told));
            }
        });
        provider
    }

    /// One whose intent `pi_1` stands like this, whatever is asked.
    pub(crate) fn with_intent(intent: &Value) -> Self {
        Self::that_says(200, intent)
    }

    pub(crate) fn says(&self, operation: &'static str, status: u16, body: &Value) {
        let text = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        self.told.lock().expect("whole").answers.insert(operation, (status, text));
    }

    /// The next request of an operation is answered with the first of these, and others with the second.
    pub(crate) fn shows_then(&self, operation: &'static str, first: &Value, later: &Value) {
        self.says(operation, 200, later);
        self.told.lock().expect("whole").once.insert(operation, (200, first.to_string()));
    }

    /// The first key of an operation replays a failure for ever; others are answered as they were told.
    pub(crate) fn spends_the_first_key(&self, operation: &'static str) {
        self.replays(operation, 500, &json!({}));
    }

    /// The first key of an operation replays this for ever; others are answered as they were told.
    pub(crate) fn replays(&self, operation: &'static str, status: u16, body: &Value) {
        self.told.lock().expect("whole").spent.insert(operation, (status, body.to_string(), None));
    }

    /// What was sent with the latest request of an operation.
    pub(crate) fn form(&self, operation: &str) -> String {
        self.told.lock().expect("whole").forms.get(operation).cloned().unwrap_or_default()
    }

    /// The operations that were asked for, with their keys.
    pub(crate) fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.told.lock().expect("whole").seen)
    }
}

/// The intent of a test in this state.
pub(crate) fn intent(status: &str) -> Value {
    let charge = (status == "succeeded").then(|| json!({ "id": "ch_1", "status": "succeeded" }));
    let secret = (status == "requires_action").then_some("pi_1_secret_of_its_customer");
    json!({ "id": "pi_1", "object": "payment_intent", "status": status, "amount": 1250, "currency": "usd",
        "latest_charge": charge, "client_secret": secret })
}

/// Stripe's error of this type, with whatever else it holds.
pub(crate) fn error(kind: &str, more: &Value) -> Value {
    let mut error = more.clone();
    error["type"] = json!(kind);
    json!({ "error": error })
}

fn serve(stream: &TcpStream, told: &Mutex<Told>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut first = String::new();
        (reader.read_line(&mut first).ok()? > 0).then_some(())?;
        let (mut length, mut key) = (0, String::new());
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            match line.trim_end().split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.parse().ok()?;
                }
                Some((name, value)) if name.eq_ignore_ascii_case("idempotency-key") => {
                    key = format!(" {value}");
                }
                Some(_) => {}
                None => break,
            }
        }
        let mut form = vec![0; length];
        reader.read_exact(&mut form).ok()?;
        let operation = operation(&first);
        let ((status, body), replayed) = {
            let mut told = told.lock().ok()?;
            told.order = made_for(&form).or_else(|| told.order.take());
            told.seen.push(format!("{operation}{key}"));
            told.forms.insert(operation, String::from_utf8_lossy(&form).into_owned());
            if let Some(replay) = told.replay_of(operation, &key) {
                (replay, "idempotent-replayed: true\r\n")
            } else {
                let once = told.once.remove(operation);
                let (status, body) = once.or_else(|| told.answers.get(operation).cloned())?;
                ((status, told.of_the_order(&body)), "")
            }
        };
        let length = body.len();
        let answer = format!("HTTP/1.1 {status} -\r\n{replayed}content-length: {length}\r\n\r\n{body}");
        { stream }.write_all(answer.as_bytes()).ok()?;
    }
}

impl Told {
    /// What the first key of the operation says, if it is this one.
    fn replay_of(&mut self, operation: &'static str, key: &str) -> Option<(u16, String)> {
        let (status, body, first) = self.spent.get_mut(operation)?;
        let is_first = first.get_or_insert_with(|| key.to_owned()) == key;
        let replay = is_first.then(|| (*status, body.clone()))?;
        Some((replay.0, self.of_the_order(&replay.1)))
    }

    /// What it was told to say, of a payment for the order that it was asked about.
    fn of_the_order(&self, body: &str) -> String {
        let (Ok(mut body), Some(order)) = (serde_json::from_str::<Value>(body), &self.order) else {
            return body.to_owned();
        };
        for place in ["", "/error/payment_intent"] {
            let intent = body.pointer_mut(place).filter(|object| object["object"] == "payment_intent");
            if let Some(intent) = intent.filter(|intent| intent["metadata"].is_null()) {
                intent["metadata"] = json!({ "order_id": order });
            }
        }
        body.to_string()
    }
}

/// The order that a form names.
fn made_for(form: &[u8]) -> Option<String> {
    let form = str::from_utf8(form).ok()?;
    let named = form.split('&').find_map(|pair| pair.strip_prefix("metadata%5Border_id%5D="))?;
    Some(named.to_owned())
}

fn operation(line: &str) -> &'static str {
    let path = line.split(' ').nth(1).unwrap_or_default();
    match path {
        _ if path.contains("/search") => "search",
        _ if path.contains("created") => "list",
        _ if path.contains("/refunds?") => "refunds",
        _ if line.starts_with("GET") => "look",
        _ if path.ends_with("/confirm") => "confirm",
        _ if path.ends_with("/cancel") => "cancel",
        _ if path.ends_with("/refunds") => "refund",
        _ => "create",
    }
}
