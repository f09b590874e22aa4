-- Remembers, before the provider is asked, which intent is confirmed under which attempt: $1 order, $2 lease owner,
-- $3 intent, $4 attempt. Only for the holder of the lease, and never a second intent.
update payments
set intent_id = $3, attempt = $4, attempted_at = now()
from orders
where
    orders.id = $1
    and orders.lease_owner = $2
    and payments.order_id = orders.id
    and (payments.intent_id is null or payments.intent_id = $3)
