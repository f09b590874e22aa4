-- Begins to cancel a customer's order that nobody is charging, and takes its lease:
--   $1 order  $2 customer  $3 new owner  $4 seconds
with free as (
    -- Both as they were left by whomever this waits for; see claim.sql.
    select
        orders.id, payments.payment_method, payments.intent_id, payments.charge_id, payments.attempt,
        payments.attempted_at, payments.refunded, payments.refunded_otherwise
    from orders
    join payments on payments.order_id = orders.id
    where
        orders.id = $1
        and orders.user_id = $2
        and orders.status in ('deferred', 'action_required')
        and (orders.lease_until is null or orders.lease_until < now())
    for update of orders, payments
)
update orders
set
    status = 'cancelling',
    lease_owner = $3,
    lease_until = now() + $4 * interval '1 second',
    next_attempt_at = now() + $4 * interval '1 second',
    waits_since = now(),
    updated_at = now()
from free
where orders.id = free.id
returning
    orders.id, orders.status, orders.total, orders.currency, coalesce(orders.deadline, now()) as deadline, false as overdue,
    free.payment_method, free.intent_id, free.charge_id, free.attempt,
    coalesce(free.attempted_at < now() - interval '20 hours', false) as key_may_be_forgotten,
    extract(epoch from free.attempted_at)::bigint as asked_at, false as key_is_old,
    0::bigint as waited,
    free.refunded, free.refunded_otherwise as otherwise, false as refund_failed,
    null::uuid as pending_refund, null::bigint as pending_amount, null::integer as pending_attempt,
    null::bigint as pending_since, false as pending_before
