//! `POST /api/orders/{id}/refund`: an administrator gives money of a paid order back, whole or in part, once for each
//! key.

use serde::Serialize;
use shared::app::App;
use shared::checkout::{self, Entry, IdempotencyKey, RefundBegun, RefundRequest, RefundState, WantedRefund};
use shared::error::Result;
use shared::http::{self, Endpoint, Request, Response, ResponseExt};
use shared::orders::OrderId;
use shared::payments::Operation;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Fatal> {
    http::serve(Endpoint::new("POST /api/orders/{id}/refund"), refund_order).await
}

#[derive(Serialize)]
struct Answer {
    order_id: OrderId,
    /// In minor units of the order's currency.
    amount: i64,
    status: RefundState,
}

async fn refund_order(app: App, request: Request) -> Result<Response> {
    let administrator = request.administrator()?.clone();
    let order: OrderId = request.path("id")?;
    let key = IdempotencyKey::of_header(request.header("idempotency-key"))?;
    let wanted: WantedRefund = request.json(WantedRefund::CHARACTERS)?;
    let payments = app.charging.payments().await?;
    let gate = &app.charging.gate;
    let entry = request.admit(gate.enter(Operation::Refund)).await?;
    let refund = RefundRequest { order, administrator, key, body: request.body(), wanted };
    let (amount, status, replayed) = match checkout::begin_refund(&app.database, refund).await {
        Ok(RefundBegun::New(lease, amount)) => {
            let status = match entry {
                Entry::Open(pass) => {
                    let limit = request.time_limit();
                    let advanced =
                        checkout::advance(&app.database, &payments, pass.permit, *lease, limit).await?;
                    advanced.refund.unwrap_or(RefundState::Pending)
                }
                // The provider is away, or takes no more: the sweeper finds the order when it is due, the worker goes
                // on.
                Entry::Shut(shut) => {
                    checkout::leave(&app.database, *lease, shut.retry_after).await?;
                    RefundState::Pending
                }
            };
            (amount, status, false)
        }
        Ok(RefundBegun::Repeated(status, amount)) => {
            gate.give_back(entry).await;
            (amount, status, true)
        }
        Ok(RefundBegun::Noted(amount)) => {
            gate.give_back(entry).await;
            (amount, RefundState::Succeeded, false)
        }
        Err(error) => {
            gate.give_back(entry).await;
            return Err(error);
        }
    };
    let code = if status == RefundState::Pending { 202 } else { 200 };
    let response = http::json(code, &Answer { order_id: order, amount, status })?;
    if replayed { response.with(http::REPLAYED, "true") } else { Ok(response) }
}
