-- Notes what was ordered since the last count, up to a minute ago; nothing within an hour of it. A piece counts for
-- twice as much as one that was sold a month before it. The ids of orders hold the time of their making; what else an
-- order says of it may be odd where orders were brought along, and beyond these two moments no number would hold it.
with due as (
    select until as since, now() - interval '1 minute' as until
    from product_sales_counted
    where until < now() - interval '1 hour'
    for update skip locked
), counted as (
    update product_sales_counted set until = due.until from due returning due.since, due.until
), bought as (
    select
        items.product_id,
        sum(
            items.quantity
            * power(2, extract(epoch from
                greatest(least(orders.created_at, now()), timestamptz '2000-01-01 00:00:00+00')
                - timestamptz '2026-01-01 00:00:00+00'
            )::float8 / 2592000)
        ) as sold
    from counted
    join orders
        on orders.id >= (lpad(to_hex((extract(epoch from since) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
        and orders.id < (lpad(to_hex((extract(epoch from until) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
    join order_items as items on items.order_id = orders.id
    where orders.status in ('charging', 'deferred', 'action_required', 'paid')
    group by items.product_id
), noted as (
    insert into product_sales (product_id, sold)
    select product_id, sold from bought order by product_id
    on conflict (product_id) do update set sold = product_sales.sold + excluded.sold
)
select true from counted
