-- One order of this customer, with items, products and how its payment went.
select
    o.id, o.status, o.created_at, o.currency, o.total, o.deadline, items.lines,
    y.charge_id, y.charge_status, y.decline_code, y.refunded, y.dispute is not null as disputed,
    case when o.status = 'action_required' and o.deadline > now() then y.client_secret end as client_secret
from orders o
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
where o.id = $1 and o.user_id = $2
