-- Whether a payment that no order knows may be the one of an order that has asked for a payment and not heard of it:
--   $1 when something happened to the payment, or null: by the provider's clock, which may be slow
--   $2 whether nothing but its charge is named, which an order that knows its payment may not have heard of either
select exists (
    select
    from orders
    join payments on payments.order_id = orders.id
    where
        orders.status in ('charging', 'deferred', 'action_required', 'cancelling')
        and payments.attempt > 0
        and (
            payments.intent_id is null
            or ($2 and (payments.charge_id is null or payments.charge_id = payments.intent_id))
        )
        and payments.attempted_at < coalesce($1, now()) + interval '1 minute'
) as waits
