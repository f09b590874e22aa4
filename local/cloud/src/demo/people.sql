-- 1,000 users, times :scale, of whom user 2 is the administrator; in an empty shop the first two. All have the password
-- `follow-the-water`; its argon2id hash was computed once, with the parameters that login uses (19 MiB, 2 passes,
-- 1 lane).
insert into users (id, email, password_hash, role, created_at)
select ('01900000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid,
       'user-' || n || '@millrace.example',
       '$argon2id$v=19$m=19456,t=2,p=1$bWlsbHJhY2UtZGVtby0wMQ$/XcVHs5NxnCo3EPS8rvLHFNYxf6W+FqMCMiCd9ZOH/M',
       case n when 2 then 'administrator' else 'customer' end,
       now() - interval '1 year' + n * interval '6 hours' / greatest(:scale, 1)
from generate_series(1, greatest(1000 * :scale, 2)) as n;

-- Each is signed in somewhere; the tokens are nobody's.
insert into sign_ins (id, user_id, epoch, token_digest)
select gen_random_uuid(), id, epoch, sha256(id::text::bytea) from users;
