-- 50,000 orders, times :scale, of the last 90 days, 50 for each user, with 1 to 7 items each (4 on average), all of
-- them finished: an unfinished one would set the sweeper to work.
--
-- n times a large odd number, modulo 2^32, scatters n evenly: over 90 days (so that each user has orders of all ages),
-- over products, and over sizes. The multipliers are those of Knuth and of xxHash.
create temporary table demo_orders on commit drop as
select n,
       ('01900000-0000-7000-a000-' || lpad(to_hex(n), 12, '0'))::uuid as id,
       ('01900000-0000-7000-9000-' || lpad(to_hex((n - 1) % (1000 * :scale) + 1), 12, '0'))::uuid as user_id,
       -- From 90 days ago to an hour ago; the square root makes trade grow: 5 orders in 9 are of the last 30 days.
       now() - interval '1 hour' - interval '90 days' * (1 - sqrt(n * 2654435761 % 4294967296 / 4294967296.0)) as created_at,
       case when n / (1000 * :scale) % 25 < 22 then 'paid' when n / (1000 * :scale) % 25 = 22 then 'cancelled'
            when n / (1000 * :scale) % 25 = 23 then 'failed' else 'refunded' end as status,
       1 + n * 2246822519 % 4294967296 / 613566757 as items
from generate_series(1::bigint, 50000 * :scale) as n;

create temporary table demo_items on commit drop as
select orders.id as order_id, products.id as product_id, products.price as unit_price,
       1 + (orders.n * 8 + item) * 668265263 % 4294967296 / 1431655766 as quantity
from demo_orders as orders
cross join lateral generate_series(1, orders.items) as item
-- The step of 1,234 keeps the products of one order apart.
cross join lateral (
    select (orders.n * 3266489917 % 4294967296 / (65536 / :scale) + item * 1234) % (10000 * :scale) + 1 as pick
) as picked
join products on products.id = ('01900000-0000-7000-8000-' || lpad(to_hex(pick), 12, '0'))::uuid;

insert into orders (id, user_id, status, currency, total, idempotency_key, request_digest, created_at, updated_at)
select id, user_id, status, 'usd', total, 'demo-' || n, sha256(('demo-' || n)::bytea), created_at,
       created_at + interval '2 seconds'
from demo_orders
join (select order_id, sum(quantity * unit_price) as total from demo_items group by order_id) as totals on order_id = id;

insert into order_items (order_id, product_id, quantity, unit_price)
select order_id, product_id, quantity, unit_price from demo_items;

insert into payments (order_id, payment_method, intent_id, attempt, attempted_at, charge_id, charge_status, decline_code, refund_id)
select id, case status when 'failed' then 'pm_card_chargeDeclined' else 'pm_card_visa' end, 'pi_demo_' || n, 1, created_at,
       case when status <> 'cancelled' then 'ch_demo_' || n end,
       case status when 'cancelled' then null when 'failed' then 'failed' else 'succeeded' end,
       case status when 'failed' then 'card_declined' end,
       case status when 'refunded' then 're_demo_' || n end
from demo_orders;
