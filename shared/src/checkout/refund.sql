-- Begins to give back money of a paid order that nobody holds, and takes its lease; or writes down that it went another
-- way than through the provider, who is not asked, which may also be where a refund of the whole has failed:
--   $1 refund  $2 order  $3 administrator  $4 idempotency key  $5 request digest
--   $6 amount, or null for all that is left
--   $7 products that come back into stock  $8 how many of each  $9 new owner  $10 seconds
--   $11 identity provider  $12 its name for the administrator, or nulls
--   $13 currencies whose amounts are multiples  $14 of this
--   $15 whether it went another way
-- `begun` says whether that was done; what is known of the order and of an earlier request with this key is there
-- whether or not, as it was when the statement began: what was committed while it waited for the order it does not see.
with gone as (
    -- Whose account was erased gives nothing back, whatever token is shown.
    select id from users where id = $3 and erased_at is not null
),
known as (
    select amount, status, encode(request_digest, 'hex') as digest from refunds where order_id = $2 and idempotency_key = $4
),
target as (
    select
        orders.id, orders.status, orders.total, orders.currency, payments.payment_method, payments.intent_id,
        payments.charge_id, payments.attempt, payments.refunded, payments.refunded_otherwise as otherwise,
        coalesce($6, orders.total - payments.refunded) as amount,
        coalesce(payments.charge_status = 'refund_failed', false) as refund_failed,
        exists (
            select
            from unnest($13::text[], $14::bigint[]) as rule (currencies, multiple)
            where
                orders.currency = any(string_to_array(rule.currencies, ' '))
                and coalesce($6, orders.total - payments.refunded) % rule.multiple <> 0
        ) as uneven,
        -- What was never paid gave its pieces back when it failed or was cancelled.
        orders.status = 'paid' or exists (select from order_history where order_id = $2 and event = 'paid') as sold,
        orders.lease_until > now() or exists (select from refunds where order_id = $2 and status = 'pending') as busy
    from orders
    join payments on payments.order_id = orders.id
    where orders.id = $2
    for update of orders, payments
),
-- Locked after the order, and so as whoever had that before has left them: of two requests for the same last piece one
-- gets it.
kept as (
    select product_id, quantity - returned as most
    from order_items
    where order_id = (select id from target where sold) and product_id = any($7::uuid[])
    for update
),
returned as (
    select l.product_id, l.quantity, kept.most
    from unnest($7::uuid[], $8::integer[]) as l (product_id, quantity)
    left join kept on kept.product_id = l.product_id
),
refused as (
    select product_id, coalesce(most, 0) as most from returned where most is null or quantity > most
),
begun as (
    insert into refunds (id, order_id, idempotency_key, request_digest, actor, amount, returns, status, otherwise)
    select
        $1, id, $4, decode($5, 'hex'), $3, amount,
        (
            select coalesce(json_agg(json_build_object('product_id', product_id, 'quantity', quantity)), '[]')::jsonb
            from returned
        ),
        case when $15 then 'succeeded' else 'pending' end,
        $15
    from target
    where
        case
            -- While a whole refund has not failed we give the money back ourselves.
            when $15 then status = 'paid' or status = 'refund_pending' and refund_failed
            else status = 'paid' and intent_id is not null and not uneven
        end
        and not coalesce(busy, false)
        and amount between 1 and total - refunded
        and not exists (select from known) and not exists (select from refused) and not exists (select from gone)
    on conflict do nothing
    returning id
),
-- Whom only the identity provider has known so far.
administrator as (
    insert into users (id, password_hash, role, issuer, subject)
    select $3, '', 'administrator', $11::text, $12::text from begun where $11::text is not null
    on conflict (id) do nothing
),
leased as (
    update orders
    set
        lease_owner = $9,
        lease_until = now() + $10 * interval '1 second',
        next_attempt_at = now() + $10 * interval '1 second',
        waits_since = now(),
        updated_at = now()
    from begun
    where orders.id = $2 and not $15
),
given as (
    update payments
    set
        refunded = payments.refunded + target.amount,
        refunded_otherwise = payments.refunded_otherwise + target.amount,
        charge_status = case when target.amount = target.total - target.refunded then 'refunded' else charge_status end
    from begun, target
    where payments.order_id = target.id and $15
),
noted as (
    -- Who has outlived a lease of it knows less than is written now, and writes nothing.
    update orders
    set lease_owner = null, lease_until = null, updated_at = now()
    from begun, target
    where orders.id = target.id and target.amount < target.total - target.refunded and $15
),
ended as (
    -- Looked at once more: the provider may have had news of it.
    update orders
    set
        status = 'refunded',
        lease_owner = null,
        lease_until = null,
        next_attempt_at = now(),
        waits_since = now(),
        updated_at = now()
    from begun, target
    where orders.id = target.id and target.amount = target.total - target.refunded and $15
)
select
    exists (select from begun) as begun,
    target.id, target.status, target.total, target.currency, now() as deadline, false as overdue,
    target.payment_method, target.intent_id, target.charge_id, target.attempt, false as key_may_be_forgotten,
    null::bigint as asked_at, false as key_is_old, target.refunded, target.otherwise, 0::bigint as waited,
    target.refund_failed, $1 as pending_refund, target.amount as pending_amount, 0 as pending_attempt,
    extract(epoch from now())::bigint as pending_since, false as pending_before,
    coalesce(target.busy, false) as busy, exists (select from gone) as gone,
    (select json_agg(json_build_object('product_id', product_id, 'most', most)) from refused) as refused,
    known.amount as known_amount, known.status as known_status, known.digest as known_digest
from target
left join known on true
