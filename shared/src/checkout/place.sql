-- Places an order, whole or not at all: prices from the catalogue, stock, lines, payment, and the lease of whoever
-- charges it now. Runs before any call to the payment provider.
--
--   $1 order  $2 user  $3 idempotency key  $4 request digest  $5 product ids  $6 quantities  $7 payment method
--   $8 status  $9 seconds until somebody else may go on  $10 first answer, or null  $11 lease owner, or null
--   $12 first answer if there is nothing to pay
--   $13 currencies  $14 smallest  $15 largest amounts  $16 what they are multiples of; the currency '' stands for the others
--   $17 when it is given up, if it is not paid by then
with line as (
    select l.product_id, l.quantity from unnest($5::uuid[], $6::integer[]) as l (product_id, quantity)
),
-- The order of an earlier request with this key.
known as (
    select id, status, encode(request_digest, 'hex') as request_digest, answer, lease_until > now() as leased
    from orders
    where user_id = $2 and idempotency_key = $3
),
priced as (
    select line.product_id, line.quantity, products.price, products.currency
    from line
    join products on products.id = line.product_id and products.archived_at is null
    where not exists (select from known)
),
-- Locked in id order, so that two orders of the same products cannot wait for each other; and read under the lock, so
-- that the last piece is sold once.
stock as (
    select product_id, available
    from inventory
    where product_id in (select product_id from priced)
    order by product_id
    for update
),
refused as (
    select
        line.product_id,
        case when priced.product_id is null then 'unknown' else 'short' end as reason,
        coalesce(stock.available, 0) as available
    from line
    left join priced on priced.product_id = line.product_id
    left join stock on stock.product_id = line.product_id
    where not exists (select from known)
        and (priced.product_id is null or stock.available is null or stock.available < line.quantity)
),
total as (
    select sum(price * quantity)::bigint as amount, min(currency) as currency, count(distinct currency) as currencies
    from priced
),
-- Whether the payment provider takes such an amount. An order of nothing is paid at once, without the provider.
due as (
    select
        total.*,
        total.amount = 0 as free,
        total.amount = 0
            or (total.amount between rule.smallest and rule.largest and total.amount % rule.multiple = 0) as fits
    from total
    left join lateral (
        select smallest, largest, multiple
        from unnest($13::text[], $14::bigint[], $15::bigint[], $16::bigint[])
            as r (currency, smallest, largest, multiple)
        where r.currency in (total.currency, '')
        order by r.currency desc
        limit 1
    ) rule on true
),
placed as (
    insert into orders (
        id, user_id, status, currency, total, idempotency_key, request_digest, answer,
        lease_owner, lease_until, next_attempt_at, deadline, waits_since
    )
    select
        $1, $2, case when free then 'paid' else $8 end, currency, amount, $3, decode($4, 'hex'), case when free then $12::jsonb else $10::jsonb end,
        case when not free then $11::uuid end,
        case when not free and $11::uuid is not null then now() + $9 * interval '1 second' end,
        case when not free then least(now() + $9 * interval '1 second', $17) end,
        case when not free then $17::timestamptz end,
        case when not free then now() end
    from due
    where currencies = 1 and fits and not exists (select from known) and not exists (select from refused)
    -- A request with the same key that was placed a moment ago.
    on conflict (user_id, idempotency_key) do nothing
    returning id
),
taken as (
    update inventory
    set available = inventory.available - line.quantity
    from line, placed
    where inventory.product_id = line.product_id
),
lines as (
    insert into order_items (order_id, product_id, quantity, unit_price)
    select placed.id, priced.product_id, priced.quantity, priced.price
    from placed, priced
),
payment as (
    -- Whoever holds the lease asks the provider next, under the order's key.
    insert into payments (order_id, payment_method, charge_id, charge_status, attempt, attempted_at)
    select
        placed.id, $7, case when free then 'none' end, case when free then 'not_needed' end,
        case when $11::uuid is null or free then 0 else 1 end,
        case when $11::uuid is not null and not free then now() end
    from placed, due
)
select
    exists (select from placed) as placed,
    due.amount,
    due.currency,
    due.currencies,
    coalesce(due.fits, true) as fits,
    (
        select json_agg(json_build_object('product_id', product_id, 'reason', reason, 'available', available))
        from refused
    ) as refused,
    known.id as known_id,
    known.status as known_status,
    known.request_digest as known_digest,
    known.answer as known_answer,
    coalesce(known.leased, false) as known_leased
from due left join known on true
