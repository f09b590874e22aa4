-- A customer's orders with their items and products, newest first, one page: those since $5, or of the last 30 days.
--
-- `status <> 'cancelled'` is the predicate of the partial index orders_active: without it the planner may not use it.
-- The row comparison continues after the last order of the page before (keyset pagination).
select o.id, o.status, o.created_at, o.currency, o.total, items.lines
from orders o
cross join lateral (
    -- Rows as JSON have none of the spaces that json_build_object and json_agg write, which customers would be sent.
    select coalesce(array_to_json(array_agg(line order by line.product_id)), '[]') as lines
    from (
        select i.product_id, coalesce(i.name, p.name) as name, i.quantity, unit as unit_price
        from order_items i
        join products p on p.id = i.product_id
        cross join lateral (select i.unit_price as amount, o.currency) unit
        where i.order_id = o.id
    ) line
) items
where
    o.user_id = $1
    and o.status <> 'cancelled'
    and o.created_at >= coalesce($5::timestamptz, now() - interval '30 days')
    and (o.created_at, o.id) < ($2, $3)
order by o.created_at desc, o.id desc
limit $4
