-- The shop: who buys, what is sold, and what was ordered.
--
-- Ids are UUIDv7 made by the functions (`nextval` would pin a connection on RDS Proxy), amounts are minor units.

create extension if not exists pg_trgm;
create extension if not exists pg_stat_statements;

create table users (
    id            uuid primary key,
    email         text not null check (length(email) between 3 and 254),
    password_hash text not null,
    role          text not null check (role in ('customer', 'administrator')),
    created_at    timestamptz not null default now()
);

create unique index users_email on users (lower(email));

create table products (
    id          uuid primary key,
    name        text not null check (length(name) between 1 and 200),
    description text not null check (length(description) <= 4000),
    price       bigint not null check (price between 0 and 100000000),
    currency    text not null check (currency ~ '^[a-z]{3}$'),
    featured    boolean not null,
    -- Goes up with every change: the ETag, and the floor below which no cache fill may store.
    version     bigint not null default 1,
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),
    search      tsvector not null generated always as (
        setweight(to_tsvector('english', name), 'A') || setweight(to_tsvector('english', description), 'B')
    ) stored
);

create index products_featured on products (updated_at desc, id) where featured;
create index products_updated_at on products (updated_at);
create index products_search on products using gin (search);
create index products_name_trigrams on products using gin (name gin_trgm_ops);

-- Apart from `products`: stock moves with every order, and the product's row, its indexes and its cached copy need not.
create table inventory (
    product_id uuid primary key references products,
    available  integer not null check (available >= 0)
) with (fillfactor = 70);

create table orders (
    id              uuid primary key,
    user_id         uuid not null references users,
    status          text not null check (status in (
        'pending', 'charging', 'deferred', 'action_required', 'paid', 'failed',
        'cancelling', 'cancelled', 'refund_pending', 'refunded'
    )),
    currency        text not null check (currency ~ '^[a-z]{3}$'),
    total           bigint not null check (total >= 0),
    -- The caller's Idempotency-Key, a digest of the body it came with, and the first answer it got.
    idempotency_key text not null,
    request_digest  bytea not null,
    answer          jsonb,
    -- Who is working on the order and until when. A lease that ran out belongs to nobody: its holder crashed or hung.
    lease_owner     uuid,
    lease_until     timestamptz,
    -- When an unfinished order is due for its next step.
    next_attempt_at timestamptz,
    -- When an order that waits for its customer or for the provider is given up.
    deadline        timestamptz,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now()
);

create unique index orders_idempotency_key on orders (user_id, idempotency_key);
create index orders_active on orders (user_id, created_at desc, id desc) where status <> 'cancelled';
create index orders_due on orders (next_attempt_at) where next_attempt_at is not null;

create table order_items (
    order_id   uuid not null references orders,
    product_id uuid not null references products,
    quantity   integer not null check (quantity between 1 and 1000),
    unit_price bigint not null check (unit_price >= 0)
);

create unique index order_items_order_product on order_items (order_id, product_id);

-- One row an order: the PaymentIntent's id is the once-only token of its charge.
create table payments (
    order_id       uuid primary key references orders,
    payment_method text not null,
    intent_id      text unique,
    -- The confirmation's attempt number, part of its idempotency key, and when that key was first used.
    attempt        integer not null default 0,
    attempted_at   timestamptz,
    charge_id      text,
    charge_status  text,
    decline_code   text,
    refund_id      text
);
