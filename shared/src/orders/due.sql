-- Takes the orders that are due for their next step and that nobody holds, longest overdue first, and puts them off by
-- a minute: a nudge that is lost comes again.
update orders
set next_attempt_at = now() + interval '60 seconds'
where id in (
    select id
    from orders
    where next_attempt_at <= now() and (lease_until is null or lease_until < now())
    order by next_attempt_at
    limit $1
    for update skip locked
)
returning id
