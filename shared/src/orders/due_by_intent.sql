-- The provider says that something happened to an intent: what it says is noted, and its order is due now if there is
-- something to look at. No row if no order has this intent.
--   $1 intent  $2 whether it was paid  $3 whether something came afterwards: a refund, a dispute, a warning
--   $4 where a dispute stands, or null  $5 whether it warns of fraud
with known as (
    -- The order before its payment, like everybody else.
    select orders.id
    from orders
    join payments on payments.order_id = orders.id
    where payments.intent_id = $1
    for update of orders
),
due as (
    update orders
    set next_attempt_at = now(), waits_since = least(waits_since, now())
    from known
    where
        orders.id = known.id
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
        -- Events may overtake one another: a dispute that was decided stays so.
        dispute = case
            when dispute in ('won', 'lost', 'warning_closed', 'prevented') then dispute
            else coalesce($4, dispute)
        end,
        fraud_warning = fraud_warning or $5
    from known
    where payments.order_id = known.id and ($4::text is not null or $5)
)
select known.id, exists (select from due) as due from known
