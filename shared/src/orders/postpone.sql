-- Puts off an unfinished order that nobody holds: $1 order, $2 seconds. Never sooner than it was due.
update orders
set next_attempt_at = greatest(next_attempt_at, now() + $2 * interval '1 second')
where
    id = $1
    and status in ('pending', 'charging', 'deferred')
    and (lease_until is null or lease_until < now())
