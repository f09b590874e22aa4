-- The provider says that something happened to an intent: its order is due now. $1 intent, $2 whether it was paid.
update orders
set next_attempt_at = now()
from payments
where
    payments.intent_id = $1
    and orders.id = payments.order_id
    and (
        orders.status in ('charging', 'deferred', 'action_required', 'cancelling')
        or ($2 and orders.status in ('failed', 'cancelled'))
    )
returning orders.id
