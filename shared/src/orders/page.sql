-- A customer's orders of the last 30 days without their items, newest first, one page; by orders_active, as
-- orders.list.
select
    id, status, created_at, currency, total,
    case
        when status = 'action_required' and deadline > now()
            then (select client_secret from payments where order_id = orders.id)
    end as client_secret
from orders
where
    user_id = $1
    and status <> 'cancelled'
    and created_at > now() - interval '30 days'
    and (created_at, id) < ($2, $3)
order by created_at desc, id desc
limit $4
