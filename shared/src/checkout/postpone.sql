-- Puts off an unfinished order that nobody holds: $1 order, $2 seconds, $3 seconds a lease takes, $4 seconds after
-- which an order is given up, if it was told no deadline. `ends`: it can be ended without the provider, which never
-- heard of it. Not beyond its deadline while that lies ahead; one that is past it and that only the provider can end
-- waits like any other, and does not stand before those.
with free as (
    -- Both as they were left by whomever this waits for; see claim.sql.
    select orders.id, payments.attempt
    from orders
    join payments on payments.order_id = orders.id
    where
        orders.id = $1
        and orders.next_attempt_at is not null
        and (orders.lease_until is null or orders.lease_until < now())
    for update of orders, payments
)
update orders
set next_attempt_at = least(
    now() + $2 * interval '1 second',
    case when orders.deadline > now() then orders.deadline end
)
from free
where orders.id = free.id
returning
    free.attempt = 0 and (
        orders.status = 'cancelling'
        or orders.status in ('charging', 'deferred')
        and least(orders.deadline, orders.created_at + $4 * interval '1 second')
            < now() + $3 * interval '1 second'
    ) as ends
