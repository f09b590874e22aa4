//! A request, read: which operation, on what, with which key.

use axum::http::{HeaderMap, Method, Uri};

use super::form::Form;
use super::operations::Operation;
use super::provider::Provider;

/// A request, read.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) operation: Option<Operation>,
    /// The object in the path.
    pub(super) id: String,
    pub(super) form: Form,
    pub(super) key: Option<String>,
    pub(super) version: Option<String>,
    pub(super) authorised: bool,
}

impl Call {
    pub(super) fn read(
        provider: &Provider,
        method: Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Self {
        let text = |name: &str| headers.get(name)?.to_str().ok();
        let path = uri.path().to_owned();
        let (operation, id) = match route(&method, &path) {
            Some((operation, id)) => (Some(operation), id.to_owned()),
            None => (None, String::new()),
        };
        // Stripe reads keys on POST only.
        let key = text("idempotency-key").filter(|_| method == Method::POST).map(str::to_owned);
        Self {
            operation,
            id,
            form: Form::parse(uri.query().unwrap_or_default(), body),
            key,
            version: text("stripe-version").map(str::to_owned),
            authorised: provider.authorises(text("authorization").unwrap_or_default()),
            method,
            path,
        }
    }

    /// What must be the same for the key's answer to be the answer.
    pub(super) fn fingerprint(&self) -> String {
        format!("{} {} {}", self.method, self.path, self.form.canonical())
    }
}

fn route<'a>(method: &Method, path: &'a str) -> Option<(Operation, &'a str)> {
    let segments: Vec<&str> = path.strip_prefix("/v1/")?.split('/').collect();
    match (method.as_str(), segments.as_slice()) {
        ("POST", ["payment_intents"]) => Some((Operation::Create, "")),
        ("GET", ["payment_intents"]) => Some((Operation::List, "")),
        ("GET", ["payment_intents", "search"]) => Some((Operation::Search, "")),
        ("GET", ["payment_intents", id]) => Some((Operation::Retrieve, id)),
        ("POST", ["payment_intents", id, "confirm"]) => Some((Operation::Confirm, id)),
        ("POST", ["payment_intents", id, "cancel"]) => Some((Operation::Cancel, id)),
        ("POST", ["refunds"]) => Some((Operation::Refund, "")),
        ("GET", ["refunds"]) => Some((Operation::ListRefunds, "")),
        _ => None,
    }
}
