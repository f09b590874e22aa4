-- The provider says that something happened to an intent: what it says is noted, and its order is due now if there is
-- something to look at. No row if it is of no order. `other`: it was made for an order that has another payment, or has
-- asked for none.
--   $1 intent  $2 whether it was paid  $3 whether something came afterwards: a refund, a dispute, a warning
--   $4 where a dispute stands, or null  $5 whether it warns of fraud
--   $6 the order that the intent names, or null: of an order that asked for one and has not heard of it, it is the one
with known as (
    -- The order before its payment, like everybody else.
    select
        orders.id,
        coalesce(payments.intent_id <> $1, payments.attempt = 0) as other
    from orders
    join payments on payments.order_id = orders.id
    where
        payments.intent_id = $1
        or payments.order_id = $6
    for update of orders
),
due as (
    update orders
    set next_attempt_at = now(), waits_since = least(waits_since, now())
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
        -- Events may overtake one another: a dispute that was decided stays so.
        dispute = case
            when dispute in ('won', 'lost', 'warning_closed', 'prevented') then dispute
            else coalesce($4, dispute)
        end,
        fraud_warning = fraud_warning or $5
    from known
    where payments.order_id = known.id and not known.other and ($4::text is not null or $5 or intent_id is null)
)
select known.id, known.other, exists (select from due) as due from known
