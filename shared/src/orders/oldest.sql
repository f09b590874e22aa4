-- How long the oldest order that waits for us has waited, in seconds. One that waits for its customer does not wait for
-- us before its deadline. (An earlier version of the functions writes no waits_since.)
select greatest(0, extract(epoch from max(now() - coalesce(waits_since, created_at))))::bigint as seconds
from orders
where next_attempt_at is not null
