//! `POST /api/orders/{id}/cancel`: a customer cancels an order that is not paid yet.

use std::time::Duration;

use shared::app::App;
use shared::checkout::{self, Entry};
use shared::error::{Result, conflict, not_found};
use shared::http::{self, Endpoint, Request, Response, ResponseExt, header};
use shared::orders::{self, Answer, OrderId, OrderStatus};
use shared::payments::Operation;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Fatal> {
    http::serve(Endpoint::new("POST /api/orders/{id}/cancel"), cancel_order).await
}

async fn cancel_order(app: App, request: Request) -> Result<Response> {
    let user = request.user()?.id;
    let id: OrderId = request.path("id")?;
    request.unconditional()?;
    let payments = app.charging.payments().await?;
    let gate = &app.charging.gate;
    let entry = request.admit(gate.enter(Operation::Cancel)).await?;
    let claimed = checkout::claim_to_cancel(&app.database, user, id).await;
    let answer = match (claimed, entry) {
        (Ok(Some(lease)), Entry::Open(pass)) => {
            let limit = request.time_limit();
            checkout::advance(&app.database, &payments, pass.permit, lease, limit).await?.answer
        }
        // The provider is away, or takes no more: the order will not be charged any more, and the sweeper cancels it
        // when it can.
        (Ok(Some(lease)), Entry::Shut(shut)) => {
            checkout::leave(&app.database, lease, shut.retry_after).await?.answer
        }
        (unclaimed, entry) => {
            gate.give_back(entry).await;
            unclaimed?;
            already_cancelled(&app, user, id).await?
        }
    };
    let done = matches!(answer.status, OrderStatus::Cancelled | OrderStatus::Refunded);
    http::json(if done { 200 } else { 202 }, &answer)?.with(header::LOCATION, &answer.order_id.path())
}

/// The answer for an order that there was nothing to cancel about.
async fn already_cancelled(app: &App, user: uuid::Uuid, id: OrderId) -> Result<Answer> {
    let order = orders::find(&app.database, user, id).await?.ok_or_else(|| not_found("order"))?;
    let answer = order.answer();
    match answer.status {
        OrderStatus::Cancelling
        | OrderStatus::Cancelled
        | OrderStatus::RefundPending
        | OrderStatus::Refunded => Ok(answer),
        OrderStatus::Paid | OrderStatus::Failed => {
            Err(conflict(format!("The order is {} and cannot be cancelled.", answer.status)))
        }
        _ => Err(conflict(
            "Another request for this order is still running, or ended without learning how the payment went. Send \
                the same request again.",
        )
        .retry_after(Duration::from_secs(5))),
    }
}
