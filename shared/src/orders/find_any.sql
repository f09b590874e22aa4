-- One order of anybody, with items, customer, payment and history.
select
    o.id, o.status, o.created_at, o.currency, o.total, o.deadline, items.lines,
    y.charge_id, y.charge_status, y.decline_code, y.refunded, y.dispute is not null as disputed,
    -- For its customer alone.
    null::text as client_secret,
    o.user_id, case when u.erased_at is null then u.email end as email, u.subject,
    y.payment_method, y.intent_id, y.dispute, y.fraud_warning, history.events as history
from orders o
join users u on u.id = o.user_id
join payments y on y.order_id = o.id
cross join lateral (
    select
        coalesce(
            json_agg(
                json_build_object(
                    'product_id', i.product_id,
                    'name', coalesce(i.name, p.name),
                    'quantity', i.quantity,
                    'unit_price', json_build_object('amount', i.unit_price, 'currency', o.currency)
                )
                order by i.product_id
            ),
            '[]'
        ) as lines
    from order_items i
    join products p on p.id = i.product_id
    where i.order_id = o.id
) items
cross join lateral (
    select
        coalesce(
            json_agg(
                json_strip_nulls(
                    json_build_object(
                        'at', to_char(h.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                        'event', h.event,
                        'actor', h.actor,
                        'amount', h.amount,
                        'note', h.note
                    )
                )
                order by h.at
            ),
            '[]'
        ) as events
    from order_history h
    where h.order_id = o.id
) history
where o.id = $1
