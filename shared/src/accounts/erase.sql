-- Forgets whose account this is: $1 user, $2 identity provider, or null. The id stays for its orders; no password fits
-- an empty hash. Whom an identity provider knows gets a row that says so, for its token goes on to be good.
with erased as (
    insert into users (id, email, password_hash, role, issuer, erased_at)
    select $1::uuid, $1::uuid || '@erased.invalid', '', 'customer', $2::text, now()
    where $2::text is not null or exists (select from users where id = $1::uuid)
    on conflict (id) do update
    set email = excluded.email, password_hash = '', subject = null, erased_at = now(), epoch = users.epoch + 1
    where users.erased_at is null
    returning id
)
delete from sign_ins using erased where sign_ins.user_id = erased.id
