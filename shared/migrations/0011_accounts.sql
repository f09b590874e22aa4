-- What it takes for people to open, keep and close accounts of their own.

alter table users
    -- A password that somebody else chose: good for setting another, and for nothing else.
    add column must_change_password boolean not null default false,
    -- Since when it is nobody's. The row stays for the orders; nothing in it says whose it was.
    add column erased_at timestamptz,
    -- Goes up when all sign-ins end: one that is begun at that very moment is of the number before.
    add column epoch integer not null default 0;

-- One row for each sign-in that lasts: a family of refresh tokens, of which one is good at a time. The token holds the
-- family's id, so whatever else comes under that id is an older one, and somebody has a copy.
create table sign_ins (
    id           uuid primary key,
    user_id      uuid not null references users,
    -- The user's, when it was begun.
    epoch        integer not null,
    token_digest bytea not null,
    begun_at     timestamptz not null default now(),
    used_at      timestamptz not null default now()
);

create index sign_ins_user on sign_ins (user_id, used_at desc);

grant insert, update (email, password_hash, must_change_password, erased_at, epoch) on users to millrace_app;
grant select, insert, update (token_digest, used_at), delete on sign_ins to millrace_app;
