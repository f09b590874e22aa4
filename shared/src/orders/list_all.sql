-- The orders of all customers, newest first, one page, without their items; by orders_status or orders_placed, which
-- hold them in this order. A customer's, which are few, come by orders_idempotency_key and are sorted.
--   $1 status, or null  $2 customer, or null  $3 placed from then on, or null  $4 placed before, or null
--   $5 and $6 time and id of the last order of the page before  $7 limit
select
    o.id, o.status, o.created_at, o.currency, o.total, o.user_id,
    case when u.erased_at is null then u.email end as email, u.subject,
    y.refunded, y.dispute is not null as disputed, y.fraud_warning
from orders o
join users u on u.id = o.user_id
join payments y on y.order_id = o.id
where
    ($1::text is null or o.status = $1)
    and ($2::uuid is null or o.user_id = $2)
    and ($3::timestamptz is null or o.created_at >= $3)
    and ($4::timestamptz is null or o.created_at < $4)
    and (o.created_at, o.id) < ($5, $6)
order by o.created_at desc, o.id desc
limit $7
