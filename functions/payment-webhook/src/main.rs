//! `POST /api/webhooks/payments`: the payment provider says that something happened to a payment.
//!
//! An event may come late, doubled or out of order, so an order is not changed on its word: it becomes due, in the
//! database, and whoever is nudged about it looks at the intent itself. Only disputes and warnings, of which the intent
//! says nothing, are noted as they come. The answer is 2xx only once that is written down, and always once the
//! signature is right: what is signed and not for us would only come again. But what comes after a payment that no
//! order knows may be of one that has not heard of its payment yet: that has to come again.

use std::time::Duration;

use shared::app::App;
use shared::error::{Error, Kind, Result, bad_request};
use shared::http::{self, Endpoint, Request, Response};
use shared::orders::{self, News, OrderId};
use shared::payments::webhook::{self, Event, Forged};
use shared::telemetry::{self, Counter};
use time::OffsetDateTime;

/// Kinds of events of which the intent says nothing.
const DISPUTE: &str = "charge.dispute.";
const FRAUD_WARNING: &str = "radar.early_fraud_warning.";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Fatal> {
    // Not limited: all events of a busy shop come from a handful of addresses, and a forged one costs only its digest.
    http::serve(Endpoint::new("POST /api/webhooks/payments").limited_by(&[]), payment_webhook).await
}

async fn payment_webhook(app: App, request: Request) -> Result<Response> {
    let signature = request.header(webhook::SIGNATURE_HEADER).unwrap_or_default();
    match verify(&app, signature, request.body()).await?.map_err(refused)? {
        Some(event) => take_up(&app, &event).await?,
        // Signed, so nobody else may send it again and again; what it asks for is not ours to know.
        None => tracing::warn!(
            "an event of the provider's cannot be read: is the endpoint for events of its second API?"
        ),
    }
    http::empty(204)
}

/// With a wrong secret every true event ends here, so that is told. Anybody can send the like, and so the alarm rings
/// where none was accepted meanwhile.
fn refused(forged: Forged) -> Error {
    if matches!(forged, Forged::WrongSignature) {
        telemetry::count(Counter::EventsRefused);
        tracing::warn!("an event is refused: {forged}");
    }
    bad_request(format!("The event is not accepted: {forged}."))
}

async fn take_up(app: &App, event: &Event) -> Result<()> {
    let Some(intent) = intent(app, event).await? else { return of_no_order(app, event).await };
    let news = news(event, &intent);
    match orders::take_note(&app.database, news).await? {
        Some(noted) if noted.other && news.paid => {
            orders::call_operator(
                noted.order,
                &format!("{} was paid for it, which is not its payment", news.intent),
            );
        }
        // Made where a failure was replayed, and never confirmed.
        Some(noted) if noted.other => {}
        Some(noted) => {
            tell(event, &news, noted.order);
            if noted.due {
                orders::nudge(app.charging.queue().await, noted.order, Duration::ZERO).await;
            }
        }
        None => of_no_order(app, event).await?,
    }
    Ok(())
}

/// What comes after a payment seldom names its order, and only this event tells of it. So it has to come again while an
/// order may hear yet that this is its payment; if none has asked for one, it is another program's.
async fn of_no_order(app: &App, event: &Event) -> Result<()> {
    let Event { id, kind, created, .. } = event;
    let names_payment = event.intent_id.is_some() || event.charge_id.is_some();
    let charge_alone = event.intent_id.is_none();
    if names_payment
        && comes_afterwards(kind)
        && orders::may_be_unheard(&app.database, *created, charge_alone).await?
    {
        tracing::warn!(
            event = id,
            kind,
            "event {id} may be about a payment that its order has not heard of: {kind}"
        );
        let detail = "It may be about a payment that its order has not heard of yet. Send the event again.";
        return Err(Error::new(Kind::Unavailable, detail).retry_after(Duration::from_mins(1)));
    }
    // An intent is announced before its order has written it down.
    if kind != "payment_intent.created" {
        tracing::warn!(event = id, kind, "event {id} is about a payment of no order: {kind}");
    }
    Ok(())
}

/// A refund, a dispute, a warning.
fn comes_afterwards(kind: &str) -> bool {
    [DISPUTE, FRAUD_WARNING, "refund.", "charge.refund"].iter().any(|family| kind.starts_with(family))
}

/// The payment that it is about. An event may name the charge alone.
async fn intent(app: &App, event: &Event) -> Result<Option<String>> {
    match (&event.intent_id, &event.charge_id) {
        (Some(intent), _) => Ok(Some(intent.clone())),
        (None, Some(charge)) => orders::intent_of_charge(&app.database, charge).await,
        (None, None) => Ok(None),
    }
}

fn news<'a>(event: &'a Event, intent: &'a str) -> News<'a> {
    let kind = event.kind.as_str();
    let disputed = kind.starts_with(DISPUTE);
    let fraud_warning = kind.starts_with(FRAUD_WARNING);
    News {
        intent,
        order: event.order_id.map(OrderId),
        paid: kind == "payment_intent.succeeded",
        afterwards: comes_afterwards(kind),
        dispute: disputed.then(|| event.status.as_deref().unwrap_or("unknown")),
        fraud_warning,
        at: event.created,
    }
}

/// What a person has to know at once: money that will be gone unless somebody acts.
fn tell(event: &Event, news: &News<'_>, order: OrderId) {
    let kind = event.kind.as_str();
    match news.dispute {
        Some(status) if kind == "charge.dispute.created" || status == "lost" => {
            orders::call_operator(order, &format!("its customer disputes the charge ({status})"));
        }
        Some(status) => tracing::warn!(%order, kind, "order {order}: the dispute of its charge is {status}"),
        None if news.fraud_warning => orders::call_operator(order, "its payment is reported as fraudulent"),
        None => {}
    }
}

/// A secret may have been rotated a moment ago: what the one at hand refuses is tried with a newer one.
async fn verify(app: &App, signature: &str, body: &[u8]) -> Result<Result<Option<Event>, Forged>> {
    let (secrets, now) = (app.charging.webhook_secrets().get().await?, OffsetDateTime::now_utc());
    let verified = webhook::verify(&secrets, signature, body, now);
    if matches!(verified, Err(Forged::WrongSignature))
        && let Some(newer) = app.charging.webhook_secrets().get_newer(&secrets).await
    {
        return Ok(webhook::verify(&newer, signature, body, now));
    }
    Ok(verified)
}
