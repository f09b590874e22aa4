-- Takes the lease of an order that can be brought forward and that nobody holds:
--   $1 order  $2 new owner  $3 seconds  $4 seconds after which an order is given up, if it was told no deadline
-- A finished order is only due where the provider says that something happened to its payment.
with free as (
    -- The order before its payment, like everybody else; and both are read under their locks: who waits for the order
    -- goes on with the payment as it was left, and not as it was when the wait began.
    select
        orders.id, payments.payment_method, payments.intent_id, payments.charge_id, payments.attempt,
        payments.attempted_at, payments.refunded, payments.refunded_otherwise, payments.charge_status
    from orders
    join payments on payments.order_id = orders.id
    where
        orders.id = $1
        and (
            orders.status in ('charging', 'deferred', 'action_required', 'cancelling', 'refund_pending')
            or orders.next_attempt_at is not null
        )
        and (orders.lease_until is null or orders.lease_until < now())
    for update of orders, payments
),
pending as (
    -- A refund that somebody began and did not bring to its end: at most one, by refunds_pending.
    select refunds.id, refunds.amount, refunds.attempt, refunds.created_at
    from free
    join refunds on refunds.order_id = free.id
    where refunds.status = 'pending'
    for update of refunds
)
update orders
set
    status = case when orders.status = 'deferred' then 'charging' else orders.status end,
    lease_owner = $2,
    lease_until = now() + $3 * interval '1 second',
    next_attempt_at = now() + $3 * interval '1 second',
    updated_at = now()
from free
left join pending on true
where orders.id = free.id
returning
    orders.id, orders.status, orders.total, orders.currency,
    least(orders.deadline, orders.created_at + $4 * interval '1 second') as deadline,
    -- Whoever may charge needs the time for it: nothing is charged after the deadline.
    least(orders.deadline, orders.created_at + $4 * interval '1 second')
        < now() + case when orders.status = 'action_required' then 0 else $3 end * interval '1 second' as overdue,
    free.payment_method, free.intent_id, free.charge_id, free.attempt,
    coalesce(free.attempted_at < now() - interval '20 hours', false) as key_may_be_forgotten,
    extract(epoch from free.attempted_at)::bigint as asked_at,
    coalesce(free.attempted_at < now() - interval '1 hour', false) as key_is_old,
    coalesce(extract(epoch from now() - orders.waits_since), 0)::bigint as waited,
    free.refunded, free.refunded_otherwise as otherwise,
    coalesce(free.charge_status = 'refund_failed', false) as refund_failed,
    pending.id as pending_refund, pending.amount as pending_amount, pending.attempt as pending_attempt,
    extract(epoch from pending.created_at)::bigint as pending_since, true as pending_before
