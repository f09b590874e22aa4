-- Remembers, before the provider is asked, under which of its keys a refund is: $1 refund, $2 order, $3 lease owner,
-- $4 how many of its keys were spent. Only for the holder of the lease.
update refunds
set attempt = $4
from orders
where
    refunds.id = $1
    and refunds.order_id = $2
    and refunds.status = 'pending'
    and orders.id = $2
    and orders.lease_owner = $3
