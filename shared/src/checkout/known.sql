-- The order that an earlier request of this user placed under this key.
select id, status, encode(request_digest, 'hex') as request_digest, answer, coalesce(lease_until > now(), false) as leased
from orders
where user_id = $1 and idempotency_key = $2
