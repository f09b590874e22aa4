-- Remembers, before the provider is asked, that it is: $1 order, $2 lease owner, $3 the intent that is confirmed, or
-- null for the first call, which makes it, $4 attempt. Only for the holder of the lease, and never a second intent.
with held as (
    -- Nobody takes the lease meanwhile; and who has outlived it asks for nothing more, though nobody has taken it yet.
    select id from orders where id = $1 and lease_owner = $2 and lease_until > now() for share
)
update payments
set intent_id = coalesce($3, intent_id), attempt = $4, attempted_at = now()
from held
where
    payments.order_id = held.id
    and (payments.intent_id is null or payments.intent_id = coalesce($3, payments.intent_id))
