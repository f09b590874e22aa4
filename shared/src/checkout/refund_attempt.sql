-- Remembers, before the provider is asked, under which of its keys a refund is: $1 refund, $2 order, $3 lease owner,
-- $4 how many of its keys were spent. Only for the holder of the lease, as in attempt.sql.
with held as (
    select id from orders where id = $2 and lease_owner = $3 and lease_until > now() for share
)
update refunds
set attempt = $4
from held
where refunds.id = $1 and refunds.order_id = held.id and refunds.status = 'pending'
