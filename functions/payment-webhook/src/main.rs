//! `POST /api/webhooks/payments`: the payment provider says that something happened to a payment.
//!
//! An event may come late, doubled or out of order, so nothing in it is believed but that its intent is worth a look: the
//! order becomes due, in the database, and whoever is nudged about it looks at the intent itself. The answer is 2xx only
//! once that is written down.

use std::time::Duration;

use shared::{
    app::App,
    error::{Result, bad_request},
    http::{self, Endpoint, Request, Response},
    orders,
    payments::webhook::{self, Event, Forged},
};
use time::OffsetDateTime;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Fatal> {
    // Not limited: all events of a busy shop come from a handful of addresses, and a forged one costs only its digest.
    http::serve(Endpoint::new("POST /api/webhooks/payments").limited_by(&[]), payment_webhook).await
}

async fn payment_webhook(app: App, request: Request) -> Result<Response> {
    let signature = request.header(webhook::SIGNATURE_HEADER).unwrap_or_default();
    let event = verify(&app, signature, request.body())
        .await?
        .map_err(|forged| bad_request(format!("The event is not accepted: {forged}.")))?;
    if let Some(intent) = &event.intent_id {
        let paid = event.kind == "payment_intent.succeeded";
        if let Some(order_id) = orders::make_due(&app.database, intent, paid).await? {
            orders::nudge(app.queue().await, order_id, Duration::ZERO).await;
        }
    }
    http::empty(204)
}

/// A secret may have been rotated a moment ago: what the one at hand refuses is tried with a newer one.
async fn verify(app: &App, signature: &str, body: &[u8]) -> Result<Result<Event, Forged>> {
    let (secrets, now) = (app.webhook_secrets().get().await?, OffsetDateTime::now_utc());
    let verified = webhook::verify(&secrets, signature, body, now);
    if matches!(verified, Err(Forged::WrongSignature))
        && let Some(newer) = app.webhook_secrets().get_newer(&secrets).await
    {
        return Ok(webhook::verify(&newer, signature, body, now));
    }
    Ok(verified)
}
