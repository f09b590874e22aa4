-- Forgets whose account this is. Its id stays for its orders; no password fits an empty hash.
with erased as (
    update users
    set email = id || '@erased.invalid', password_hash = '', erased_at = now(), epoch = epoch + 1
    where id = $1 and erased_at is null
    returning id
)
delete from sign_ins using erased where sign_ins.user_id = erased.id
