-- Places an order, whole or not at all: prices from the catalogue, stock, lines, payment, and the lease of whoever
-- charges it now. Runs before any call to the payment provider.
--
--   $1 order  $2 user  $3 idempotency key  $4 request digest  $5 product ids  $6 quantities  $7 payment method
--   $8 status  $9 seconds until somebody else may go on  $10 whether it is answered at once  $11 lease owner, or null
--   $12 what is charged: currencies of one rule  $13 smallest  $14 largest amounts  $15 what they are multiples of
--   $16 when it is given up, if it is not paid by then  $17 expected amount  $18 expected currency, or nulls
--   $19 most unpaid orders of a customer, and most for nothing in a day  $20 most pieces in them
--   $21 identity provider  $22 its name for the customer, or nulls
with line as (
    select l.product_id, l.quantity from unnest($5::uuid[], $6::integer[]) as l (product_id, quantity)
),
-- The order of an earlier request with this key.
known as (
    select
        o.id, o.status, o.total, o.currency, o.deadline, encode(o.request_digest, 'hex') as request_digest,
        o.answer is not null as answered, coalesce(o.lease_until > now(), false) as leased,
        y.charge_id, y.charge_status, y.decline_code, y.refunded, y.dispute is not null as disputed,
        case when o.status = 'action_required' and o.deadline > now() then y.client_secret end as client_secret,
        exists (select from order_history h where h.order_id = o.id and h.event = 'paid') as was_paid
    from orders o
    join payments y on y.order_id = o.id
    where o.user_id = $2 and o.idempotency_key = $3
),
-- Whose account was erased orders nothing more, whatever token is shown, though it be erased while this waits. Asked
-- before the stock is locked: erasing waits for orders, and no order that holds stock may wait behind it.
gone as materialized (
    select from (select account_is_erased($2) as erased) account where erased
),
priced as (
    select line.product_id, line.quantity, products.name, products.price, products.currency
    from line
    join products on products.id = line.product_id and products.archived_at is null
    where not exists (select from known) and not exists (select from gone)
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
            or coalesce(total.amount between rule.smallest and rule.largest and total.amount % rule.multiple = 0, false)
            as fits,
        $17::bigint is null or (total.amount = $17 and total.currency = $18) as agreed
    from total
    left join unnest($12::text[], $13::bigint[], $14::bigint[], $15::bigint[])
        as rule (currencies, smallest, largest, multiple)
        on total.currency = any(string_to_array(rule.currencies, ' '))
),
-- What the customer's unpaid orders hold. Requests of the same moment do not see one another.
unpaid as (
    select count(*) as orders, coalesce(sum(held.pieces), 0)::bigint as pieces
    from orders o
    cross join lateral (select sum(quantity) as pieces from order_items where order_id = o.id) held
    where o.user_id = $2 and o.status in ('charging', 'deferred', 'action_required', 'cancelling')
),
-- What costs nothing is never unpaid; so as much of it is to be had a day.
given as (
    select count(*) as orders, coalesce(sum(taken.pieces), 0)::bigint as pieces
    from orders o
    cross join lateral (select sum(quantity) as pieces from order_items where order_id = o.id) taken
    where
        (select free from due)
        and o.user_id = $2
        and o.total = 0
        and o.status <> 'cancelled'
        and o.created_at > now() - interval '1 day'
),
owed as (
    select
        held.orders, held.pieces,
        held.orders < $19 and held.pieces + (select sum(quantity) from line) <= $20 as within
    from due
    join (select false as free, * from unpaid union all select true, * from given) held
        on held.free = coalesce(due.free, false)
),
placed as (
    insert into orders (
        id, user_id, status, currency, total, idempotency_key, request_digest, answer,
        lease_owner, lease_until, next_attempt_at, deadline, waits_since
    )
    select
        $1, $2, case when free then 'paid' else $8 end, currency, amount, $3, decode($4, 'hex'),
        case when free or $10 then jsonb_build_object(
            'order_id', $1::uuid,
            'status', case when free then 'paid' else $8::text end,
            'charge', jsonb_build_object(
                'id', case when free then 'none' else 'pending' end,
                'status', case when free then 'not_needed' else 'deferred' end
            )
        ) end,
        case when not free then $11::uuid end,
        case when not free and $11::uuid is not null then now() + $9 * interval '1 second' end,
        case when not free then least(now() + $9 * interval '1 second', $16) end,
        case when not free then $16::timestamptz end,
        case when not free then now() end
    from due, owed
    where currencies = 1 and fits and agreed and within
        and not exists (select from known) and not exists (select from refused) and not exists (select from gone)
    -- A request with the same key that was placed a moment ago.
    on conflict (user_id, idempotency_key) do nothing
    returning id
),
-- Whom only the identity provider has known so far.
customer as (
    insert into users (id, password_hash, role, issuer, subject)
    select $2, '', 'customer', $21::text, $22::text from placed where $21::text is not null
    on conflict (id) do nothing
),
-- What is sold out by it changes as a product too, by a trigger: locked before, in id order, as an import changes
-- products.
sold_out as (
    select id
    from products
    where id in (
        select stock.product_id
        from placed, stock
        join line on line.product_id = stock.product_id
        where stock.available = line.quantity
    )
    order by id
    for no key update
),
taken as (
    update inventory
    set available = inventory.available - line.quantity
    from line, placed
    where inventory.product_id = line.product_id and (select count(*) from sold_out) >= 0
),
lines as (
    insert into order_items (order_id, product_id, name, quantity, unit_price)
    select placed.id, priced.product_id, priced.name, priced.quantity, priced.price
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
    (
        select json_agg(json_build_object('product_id', product_id, 'reason', reason, 'available', available))
        from refused
    ) as refused,
    case
        when exists (select from gone) then 'gone'
        when due.currencies > 1 then 'currencies'
        when not due.agreed then 'total'
        when not due.fits then 'amount'
        when not owed.within then 'unpaid'
    end as objection,
    (
        select json_agg(json_build_object(
            'product_id', product_id,
            'name', name,
            'quantity', quantity,
            'unit_price', json_build_object('amount', price, 'currency', currency)
        ))
        from priced
        where not due.agreed
    ) as prices,
    owed.orders as unpaid_orders,
    owed.pieces as unpaid_pieces,
    (select row_to_json(known) from known) as known
from due, owed
