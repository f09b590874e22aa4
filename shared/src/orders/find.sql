-- One order of this customer, with items, products and how its payment went.
select
    o.id, o.status, o.created_at, o.currency, o.total, o.deadline, items.lines,
    y.charge_id, y.charge_status, y.decline_code, y.refunded, y.dispute is not null as disputed,
    case when o.status = 'action_required' and o.deadline > now() then y.client_secret end as client_secret
from orders o
join payments y on y.order_id = o.id
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
where o.id = $1 and o.user_id = $2
