-- The order that an earlier request of this user placed under this key, as it stands: the same as in place.sql.
select row_to_json(known) as known
from (
    select
        o.id, o.status, o.total, o.currency, o.deadline, encode(o.request_digest, 'hex') as request_digest,
        o.answer is not null as answered, coalesce(o.lease_until > now(), false) as leased,
        y.charge_id, y.charge_status, y.decline_code, y.refunded, y.dispute is not null as disputed,
        case when o.status = 'action_required' and o.deadline > now() then y.client_secret end as client_secret,
        exists (select from order_history h where h.order_id = o.id and h.event = 'paid') as was_paid
    from orders o
    join payments y on y.order_id = o.id
    where o.user_id = $1 and o.idempotency_key = $2
) known
