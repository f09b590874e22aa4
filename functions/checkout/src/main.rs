//! `POST /api/checkout`: places an order and charges it, at once or, while the payment provider is away, later.

use shared::app::App;
use shared::checkout::{self, Advanced, Cart, Entry, IdempotencyKey, Pass, Placed, Purchase, Shut};
use shared::error::{Error, Kind, Result};
use shared::http::limits::{API, CHECKOUT};
use shared::http::{self, Endpoint, Request, Response, ResponseExt, header};
use shared::orders::{self, Answer, OrderStatus};
use shared::payments::Operation;
use shared::telemetry::{self, Counter};

/// What is true of every 5xx from the moment on at which an order may stand, by this request or an earlier one.
const PERHAPS: &str = "The order may have been placed and charged. Send the same request again with the same \
    Idempotency-Key: it is charged at most once.";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Fatal> {
    http::serve(Endpoint::new("POST /api/checkout").limited_by(&[CHECKOUT, API]), serve_checkout).await
}

async fn serve_checkout(app: App, request: Request) -> Result<Response> {
    let user = request.user()?.clone();
    let key = IdempotencyKey::of_header(request.header("idempotency-key"))?;
    let cart = request.json(Cart::CHARACTERS)?;
    let purchase = Purchase { user, key, body: request.body(), cart, unpaid: app.unpaid };

    // One Redis round trip: the rate limit's verdict, the breaker's, and a token for the call to the provider.
    let placed = match request.admit(app.charging.gate.enter(Operation::Create)).await? {
        Entry::Open(pass) => charge_now(&app, &request, &purchase, pass).await,
        Entry::Shut(shut) => charge_later(&app, &purchase, shut).await,
    };
    respond(&placed.map_err(|error| error.if_unknown(PERHAPS))?)
}

async fn charge_now(
    app: &App,
    request: &Request,
    purchase: &Purchase<'_>,
    pass: Pass,
) -> Result<Placed<Answer>> {
    let placed = match app.charging.payments().await {
        Ok(payments) => {
            purchase.place_leased(&app.database, app.order_deadline).await.map(|placed| (placed, payments))
        }
        Err(error) => Err(error),
    };
    let placed = match placed {
        Ok((Placed::New(lease), payments)) => {
            let limit = request.time_limit();
            let Advanced { answer, due_in, .. } =
                checkout::advance(&app.database, &payments, pass.permit, lease, limit).await?;
            if matches!(answer.status, OrderStatus::Deferred | OrderStatus::Charging) {
                telemetry::count(Counter::DeferredOrders);
            }
            if let Some(wait) = due_in {
                orders::nudge(app.charging.queue().await, answer.order_id, wait).await;
            }
            return Ok(Placed::New(answer));
        }
        Ok((Placed::Free(answer), _)) => Ok(Placed::Free(answer)),
        Ok((Placed::Repeated(answer), _)) => Ok(Placed::Repeated(answer)),
        Err(error) => Err(error),
    };
    // No call was made.
    app.charging.gate.give_back(Entry::Open(pass)).await;
    placed
}

async fn charge_later(app: &App, purchase: &Purchase<'_>, shut: Shut) -> Result<Placed<Answer>> {
    let Shut { waits_for, retry_after } = shut;
    let mut placed = purchase.place_deferred(&app.database, retry_after, app.order_deadline).await?;
    if let Placed::New(answer) = &mut placed {
        answer.charge.waits_for = Some(waits_for);
        telemetry::count(Counter::DeferredOrders);
        orders::nudge(app.charging.queue().await, answer.order_id, retry_after).await;
    }
    Ok(placed)
}

fn respond(placed: &Placed<Answer>) -> Result<Response> {
    let (answer, replayed) = match placed {
        Placed::New(answer) | Placed::Free(answer) => (answer, false),
        Placed::Repeated(answer) => (answer, true),
    };
    let path = answer.order_id.path();
    if answer.status == OrderStatus::Failed {
        let error = Error::new(Kind::PaymentDeclined, "The payment was declined. Nothing was charged.");
        let charge = serde_json::to_value(&answer.charge).unwrap_or_default();
        let total = serde_json::to_value(answer.total).unwrap_or_default();
        let error = error.member("order_id", answer.order_id.to_string()).member("charge", charge);
        let error = error.member("total", total);
        return Err(error.about(path).replayed(replayed));
    }
    let response = http::json(status(answer), answer)?.with(header::LOCATION, &path)?;
    if replayed { response.with(http::REPLAYED, "true") } else { Ok(response) }
}

/// 201 for an order that was paid, 402 for a declined one, 202 for one that is not finished; 200 for one that has been
/// cancelled since, also where it was charged all the same: its customer never got anything for that, and the money
/// goes back.
fn status(answer: &Answer) -> u16 {
    match answer.status {
        OrderStatus::Paid => 201,
        OrderStatus::RefundPending | OrderStatus::Refunded if answer.was_paid => 201,
        OrderStatus::RefundPending | OrderStatus::Refunded | OrderStatus::Cancelled => 200,
        OrderStatus::Failed => 402,
        OrderStatus::Charging
        | OrderStatus::Deferred
        | OrderStatus::ActionRequired
        | OrderStatus::Cancelling => 202,
    }
}

#[cfg(test)]
mod tests {
    use shared::catalog::{Currency, Money};
    use shared::orders::OrderId;

    use super::*;

    #[test]
    fn an_order_that_was_charged_and_not_wanted_is_not_told_as_one_that_was_paid() {
        let total = Money { amount: 1250, currency: Currency::parse("usd").expect("a currency") };
        for (order, was_paid, told) in [
            (OrderStatus::Paid, true, 201),
            (OrderStatus::Refunded, true, 201),
            (OrderStatus::RefundPending, true, 201),
            (OrderStatus::Refunded, false, 200),
            (OrderStatus::RefundPending, false, 200),
            (OrderStatus::Cancelled, false, 200),
            (OrderStatus::Cancelling, false, 202),
            (OrderStatus::Failed, false, 402),
        ] {
            let answer = Answer { was_paid, ..Answer::new(OrderId::new(), order, total, None) };
            assert_eq!(status(&answer), told, "{order} {was_paid}");
        }
    }
}
