-- What those who run the shop see and do: what happened to each order, lists of all of them, and money given back.

-- Append-only: the functions may add and read. By triggers, so that no statement that moves an order can forget it, and
-- in the transaction that does.
create table order_history (
    order_id uuid not null references orders,
    at       timestamptz not null default clock_timestamp(),
    -- The status that it got, or what was learnt about its payment.
    event    text not null,
    -- Who asked for it; null where the shop itself or the provider did it.
    actor    uuid references users,
    -- In minor units, where it is about money.
    amount   bigint,
    -- The provider's word for it, where there is one.
    note     text
);

create index order_history_order on order_history (order_id, at);

-- Money that an administrator gives back. At most one refund of an order is under way.
create table refunds (
    id              uuid primary key,
    order_id        uuid not null references orders,
    idempotency_key text not null,
    request_digest  bytea not null,
    actor           uuid not null references users,
    amount          bigint not null check (amount > 0),
    -- What comes back into stock once the money is given back: [{"product_id": …, "quantity": …}].
    returns         jsonb not null,
    status          text not null check (status in ('pending', 'succeeded', 'failed')),
    -- The provider's id of it.
    refund_id       text,
    created_at      timestamptz not null default now()
);

create unique index refunds_idempotency_key on refunds (order_id, idempotency_key);
create unique index refunds_pending on refunds (order_id) where status = 'pending';

-- How many of the pieces came back into stock, of an order that was delivered.
alter table order_items add column returned integer not null default 0 check (returned between 0 and quantity);

create index orders_placed on orders (created_at desc, id desc);
create index orders_status on orders (status, created_at desc, id desc);
create index orders_user on orders (user_id, created_at desc, id desc);

create function note_order() returns trigger language plpgsql as $$
begin
    insert into order_history (order_id, event, actor)
    values (
        new.id, new.status,
        -- Placing and cancelling are asked for by the customer; all else follows from them.
        case when tg_op = 'INSERT' or new.status = 'cancelling' then new.user_id end
    );
    return null;
end
$$;

create trigger order_placed after insert on orders
for each row execute function note_order();

create trigger order_moved after update of status on orders
for each row when (new.status <> old.status) execute function note_order();

create function note_payment() returns trigger language plpgsql as $$
begin
    if new.refunded <> old.refunded then
        insert into order_history (order_id, event, amount)
        values (new.order_id, 'money_back', new.refunded - old.refunded);
    end if;
    if new.dispute is distinct from old.dispute then
        insert into order_history (order_id, event, note) values (new.order_id, 'dispute', new.dispute);
    end if;
    if new.fraud_warning and not old.fraud_warning then
        insert into order_history (order_id, event) values (new.order_id, 'fraud_warning');
    end if;
    return null;
end
$$;

create trigger payment_changed after update of refunded, dispute, fraud_warning on payments
for each row execute function note_payment();

create function note_refund() returns trigger language plpgsql as $$
begin
    insert into order_history (order_id, event, actor, amount, note)
    values (new.order_id, 'refund_' || new.status, new.actor, new.amount, new.refund_id);
    return null;
end
$$;

create trigger refund_changed after insert or update of status on refunds
for each row execute function note_refund();

grant select, insert on order_history to millrace_app;
grant select, insert, update (status, refund_id) on refunds to millrace_app;
grant update (returned) on order_items to millrace_app;
