-- A new customer and the first sign-in; no row if the address is taken:
--   $1 user  $2 address  $3 password hash  $4 sign-in  $5 digest of its token, in hexadecimal digits
with registered as (
    insert into users (id, email, password_hash, role)
    values ($1, $2, $3, 'customer')
    on conflict (lower(email)) do nothing
    returning id, epoch
),
begun as (
    insert into sign_ins (id, user_id, epoch, token_digest)
    select $4, id, epoch, decode($5, 'hex') from registered
)
select id from registered
