-- Takes the lease of an order that can be brought forward and that nobody holds:
--   $1 order  $2 new owner  $3 seconds  $4 seconds after which an order is given up, if it was told no deadline
-- A finished order is only due where the provider says that something happened to its payment.
update orders
set
    status = case when orders.status = 'deferred' then 'charging' else orders.status end,
    lease_owner = $2,
    lease_until = now() + $3 * interval '1 second',
    next_attempt_at = now() + $3 * interval '1 second',
    updated_at = now()
from payments
left join refunds pending on pending.order_id = payments.order_id and pending.status = 'pending'
where
    orders.id = $1
    and payments.order_id = orders.id
    and (
        orders.status in ('charging', 'deferred', 'action_required', 'cancelling', 'refund_pending')
        or orders.next_attempt_at is not null
    )
    and (orders.lease_until is null or orders.lease_until < now())
returning
    orders.id, orders.status, orders.total, orders.currency,
    least(orders.deadline, orders.created_at + $4 * interval '1 second') as deadline,
    -- Whoever may charge needs the time for it: nothing is charged after the deadline.
    least(orders.deadline, orders.created_at + $4 * interval '1 second')
        < now() + case when orders.status = 'action_required' then 0 else $3 end * interval '1 second' as overdue,
    payments.payment_method, payments.intent_id, payments.charge_id, payments.attempt,
    coalesce(payments.attempted_at < now() - interval '20 hours', false) as key_may_be_forgotten,
    extract(epoch from payments.attempted_at)::bigint as asked_at,
    coalesce(payments.attempted_at < now() - interval '1 hour', false) as key_is_old,
    coalesce(extract(epoch from now() - orders.waits_since), 0)::bigint as waited,
    payments.refunded, payments.refunded_otherwise as otherwise,
    coalesce(payments.charge_status = 'refund_failed', false) as refund_failed,
    -- A refund that somebody began and did not bring to its end: at most one, by refunds_pending.
    pending.id as pending_refund, pending.amount as pending_amount, pending.attempt as pending_attempt,
    extract(epoch from pending.created_at)::bigint as pending_since, true as pending_before
