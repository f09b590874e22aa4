-- Begins a sign-in of a user whose password was compared; no row if the password is another by now:
--   $1 user  $2 the hash that was compared  $3 the hash from now on, or null  $4 sign-in
--   $5 digest of its token, in hexadecimal digits
with account as (
    -- Waits for a change of the password that is under way, and then sees it.
    select id, epoch from users where id = $1 and password_hash = $2 for no key update
),
rehashed as (
    update users set password_hash = $3 from account where users.id = account.id and $3::text is not null
),
-- Of many sign-ins only the last are kept, and none that nobody has used for thirty days.
forgotten as (
    delete from sign_ins
    where id in (
        select id
        from (
            select sign_ins.id, used_at, row_number() over (order by used_at desc) as place
            from sign_ins join account on account.id = sign_ins.user_id
        ) as known
        where place >= 20 or used_at < now() - interval '30 days'
    )
),
begun as (
    insert into sign_ins (id, user_id, epoch, token_digest)
    select $4, id, epoch, decode($5, 'hex') from account
    returning id
)
select id from begun
