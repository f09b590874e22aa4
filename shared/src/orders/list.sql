-- A customer's orders with their items and products, newest first, one page: those since $5, or of the last 30 days.
--
-- `status <> 'cancelled'` is the predicate of the partial index orders_active: without it the planner may not use it.
-- The row comparison continues after the last order of the page before (keyset pagination).
select o.id, o.status, o.created_at, o.currency, o.total, items.lines
from orders o
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
where
    o.user_id = $1
    and o.status <> 'cancelled'
    and o.created_at >= coalesce($5::timestamptz, now() - interval '30 days')
    and (o.created_at, o.id) < ($2, $3)
order by o.created_at desc, o.id desc
limit $4
