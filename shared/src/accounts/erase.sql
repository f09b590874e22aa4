-- Forgets whose account this is: $1 user, $2 identity provider, or null. The id stays for its orders; no password fits
-- an empty hash, and nobody can have taken an address with a space in it. Whom an identity provider knows gets a row
-- that says so, for its token goes on to be good. `last`: it is that of the last administrator, and stays. `unpaid`: so
-- does whose order may still be charged. `gone`: there was nothing to forget any more.
with administrators as (
    -- Locked in the order of ids: of the last two, who leave at the same moment, one stays.
    select id
    from users
    where
        role = 'administrator'
        -- What an identity provider's people may do it says itself.
        and issuer is null
        and erased_at is null
        and exists (
            select from users
            where id = $1::uuid and role = 'administrator' and issuer is null and erased_at is null
        )
    order by id
    for update
),
left_behind as (
    select
        (select count(*) = 1 from administrators) as last,
        -- Of nobody nothing may be charged. (What is `cancelling` will not be; it only ends.)
        exists (
            select from orders
            where user_id = $1::uuid and status in ('charging', 'deferred', 'action_required')
        )
        and not exists (select from users where id = $1::uuid and erased_at is not null) as unpaid
),
erased as (
    insert into users (id, email, password_hash, role, issuer, erased_at)
    select $1::uuid, 'erased ' || $1::uuid, '', 'customer', $2::text, now()
    from left_behind
    where not last and not unpaid and ($2::text is not null or exists (select from users where id = $1::uuid))
    on conflict (id) do update
    set email = excluded.email, password_hash = '', subject = null, erased_at = now(), epoch = users.epoch + 1
    where users.erased_at is null
    returning id
),
ended as (
    delete from sign_ins using erased where sign_ins.user_id = erased.id
)
select last, unpaid, not last and not unpaid and not exists (select from erased) as gone from left_behind
