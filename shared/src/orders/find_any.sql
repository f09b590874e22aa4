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
cross join lateral (
    select coalesce(array_to_json(array_agg(json_strip_nulls(row_to_json(entry)) order by entry.at)), '[]') as events
    from (
        select to_char(h.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at, h.event, h.actor, h.amount, h.note
        from order_history h
        where h.order_id = o.id
    ) entry
) history
where o.id = $1
