-- Puts the next refresh token of a sign-in in the place of this one: $1 sign-in, $2 this one's digest, $3 the next
-- one's, both in hexadecimal digits. No row if this one is not good; and then the sign-in ends, for it was good once,
-- or is too old.
with presented as (
    -- Read under the lock: of two who bring the same token at once, the second one brings a used one.
    select
        sign_ins.id, sign_ins.user_id, users.role,
        sign_ins.token_digest = decode($2, 'hex')
            and sign_ins.epoch = users.epoch
            and sign_ins.used_at > now() - interval '30 days' as good
    from sign_ins
    join users on users.id = sign_ins.user_id
    where sign_ins.id = $1
    for update of sign_ins
),
rotated as (
    update sign_ins
    set token_digest = decode($3, 'hex'), used_at = now()
    from presented
    where sign_ins.id = presented.id and presented.good
),
ended as (
    delete from sign_ins using presented where sign_ins.id = presented.id and not presented.good
)
select user_id, role from presented where good
