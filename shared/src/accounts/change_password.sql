-- Sets a password, ends every sign-in and begins one; no row if the password is another by now:
--   $1 user  $2 the hash that was compared  $3 the new hash  $4 sign-in  $5 digest of its token, in hexadecimal digits
with changed as (
    update users
    set password_hash = $3, must_change_password = false, epoch = epoch + 1
    where id = $1 and password_hash = $2
    returning id, epoch
),
ended as (
    delete from sign_ins using changed where sign_ins.user_id = changed.id
),
begun as (
    insert into sign_ins (id, user_id, epoch, token_digest)
    select $4, id, epoch, decode($5, 'hex') from changed
    returning id
)
select id from begun
