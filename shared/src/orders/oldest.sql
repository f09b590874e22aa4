-- How long the oldest order that waits for us has waited, in seconds. One that waits for its customer waits for us only
-- from when it is due; so does a finished one that the provider says was paid after all.
select
    greatest(0, extract(epoch from max(now() - case
        when status in ('pending', 'charging', 'deferred', 'cancelling', 'refund_pending') then created_at
        else next_attempt_at
    end)))::bigint as seconds
from orders
where next_attempt_at is not null
