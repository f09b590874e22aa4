-- Whether a payment that no order knows may be the one of an order that has asked for a payment and not heard of it:
-- $1 when something happened to the payment, or null. By the provider's clock, which may be slow.
select exists (
    select
    from orders
    join payments on payments.order_id = orders.id
    where
        orders.status in ('charging', 'deferred', 'action_required', 'cancelling')
        and payments.attempt > 0
        and payments.intent_id is null
        and payments.attempted_at < coalesce($1, now()) + interval '1 minute'
) as waits
