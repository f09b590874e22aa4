-- The provider says that something happened to an intent: what it says is noted, and its order is due now if there is
-- something to look at. No row if it is of no order. `other`: it was made for an order that has another payment, or has
-- asked for none.
--   $1 intent  $2 whether it was paid  $3 whether something came afterwards: a refund, a dispute, a warning
--   $4 where a dispute stands, or null  $5 whether it warns of fraud
--   $6 the order that the intent names, or null: of an order that asked for one and has not heard of it, it is the one
--   $7 when it happened, or null
with known as (
    -- The order before its payment, like everybody else; and both, because two events may come at the same moment: the
    -- one that waits goes on with the payment as the other has left it.
    select
        orders.id,
        coalesce(payments.intent_id <> $1, payments.attempt = 0) as other,
        $3 and orders.status in ('charging', 'action_required') as overtaken,
        -- Events may overtake one another, so the latest tells how a dispute stands: one that was won may be lost after
        -- all, and another may come. Their times are whole seconds; within one, a decision is what came last. What
        -- claims to come from the future comes from now.
        $4::text is not null and case
            when payments.dispute in ('won', 'lost', 'warning_closed', 'prevented')
                then coalesce(payments.dispute_at < least($7, now()), true)
            else coalesce(payments.dispute_at <= least($7, now()), true)
        end as disputed
    from orders
    join payments on payments.order_id = orders.id
    where
        payments.intent_id = $1
        -- Whatever it names: a payment that is known is its own order's.
        or payments.order_id = $6 and not exists (select from payments where intent_id = $1)
    for update of orders, payments
),
due as (
    update orders
    set
        next_attempt_at = now(),
        waits_since = least(waits_since, now()),
        -- Who is charging it may have been answered before that, and would write that it is paid and all is well: that
        -- one has lost the lease, and who comes next sees both.
        lease_owner = case when not known.overtaken then lease_owner end,
        lease_until = case when not known.overtaken then lease_until end
    from known
    where
        orders.id = known.id
        and not known.other
        and (
            orders.status in ('charging', 'deferred', 'action_required', 'cancelling')
            or ($2 and orders.status in ('failed', 'cancelled'))
            or ($3 and orders.status in ('paid', 'refunded', 'refund_pending'))
        )
    returning orders.id
),
noted as (
    update payments
    set
        intent_id = coalesce(intent_id, $1),
        dispute = case when known.disputed then $4 else dispute end,
        dispute_at = case when known.disputed then least($7, now()) else dispute_at end,
        fraud_warning = fraud_warning or $5
    from known
    where payments.order_id = known.id and not known.other and ($4::text is not null or $5 or intent_id is null)
)
select known.id, known.other, exists (select from due) as due from known
