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
    let wanted: WantedRefund = request.json(http::NO_TEXTS)?;
    let payments = app.charging.payments().await?;
    let gate = &app.charging.gate;
    let entry = request.admit(gate.enter(Operation::Refund)).await?;
    let refund = RefundRequest { order, administrator, key, body: request.body(), wanted };
    let begun = checkout::begin_refund(&app.database, refund).await;
    let replayed = matches!(begun, Ok(RefundBegun::Repeated(..)));
    let (amount, status) = match (begun, entry) {
        (Ok(RefundBegun::New(lease, amount)), Entry::Open(pass)) => {
            let limit = request.time_limit();
            let advanced = checkout::advance(&app.database, &payments, pass.permit, *lease, limit).await?;
            (amount, advanced.refund.unwrap_or(RefundState::Pending))
        }
        // The provider is away, or takes no more: the sweeper finds the order when it is due, the worker goes on.
        (Ok(RefundBegun::New(lease, amount)), Entry::Shut(shut)) => {
            checkout::leave(&app.database, *lease, shut.retry_after).await?;
            (amount, RefundState::Pending)
        }
        (other, entry) => {
            gate.give_back(entry).await;
            match other? {
                RefundBegun::Repeated(status, amount) => (amount, status),
                RefundBegun::Noted(amount) => (amount, RefundState::Succeeded),
                // Both cases of it stand above.
                RefundBegun::New(_, amount) => (amount, RefundState::Pending),
            }
        }
    };
    let code = if status == RefundState::Pending { 202 } else { 200 };
    let response = http::json(code, &Answer { order_id: order, amount, status })?;
    if replayed { response.with(http::REPLAYED, "true") } else { Ok(response) }
}
