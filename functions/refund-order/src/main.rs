//! `POST /api/orders/{id}/refund`: an administrator gives money of a paid order back, whole or in part, once for each
//! key.

use serde::Serialize;
use shared::{
    app::App,
    breaker::{Admission, Outcome},
    checkout::{self, IdempotencyKey, RefundBegun, RefundRequest, RefundState, WantedRefund},
    error::Result,
    http::{self, Endpoint, Request, Response},
    orders::OrderId,
};

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
    let payments = app.payments().await?;
    let (admitted, admission) = request.ask(app.payment_breaker.acquire()).await;
    let begun = match admitted {
        Ok(()) => {
            let refund = RefundRequest { order, administrator, key, body: request.body(), wanted };
            checkout::begin_refund(&app.database, refund).await
        }
        Err(refusal) => Err(refusal),
    };
    let (amount, status) = match (begun, admission) {
        (Ok(RefundBegun::New(lease, amount)), Admission::Allow(permit) | Admission::Probe(permit)) => {
            let (breaker, limit) = (&app.payment_breaker, request.time_limit());
            let advanced =
                checkout::advance(&app.database, &payments, breaker, permit, *lease, limit).await?;
            (amount, advanced.refund.unwrap_or(RefundState::Pending))
        }
        // The provider is away: the sweeper finds the order when it is due, and the worker goes on.
        (Ok(RefundBegun::New(lease, amount)), Admission::Deny { retry_after }) => {
            checkout::leave(&app.database, *lease, retry_after).await?;
            (amount, RefundState::Pending)
        }
        (other, admission) => {
            if let Admission::Allow(permit) | Admission::Probe(permit) = admission {
                app.payment_breaker.report(permit, Outcome::Skipped).await;
            }
            match other? {
                RefundBegun::Repeated(status, amount) => (amount, status),
                // Both cases of it stand above.
                RefundBegun::New(_, amount) => (amount, RefundState::Pending),
            }
        }
    };
    let code = if status == RefundState::Pending { 202 } else { 200 };
    http::json(code, &Answer { order_id: order, amount, status })
}
