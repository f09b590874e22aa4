-- Puts off an unfinished order that nobody holds: $1 order, $2 seconds.
update orders
set next_attempt_at = now() + $2 * interval '1 second'
where
    id = $1
    and next_attempt_at is not null
    and (lease_until is null or lease_until < now())
