-- Which of its keys a refund is asked for under: one that replays a failure or a refusal for ever is left for the next,
-- and nothing that was spent may be forgotten.
alter table refunds
    add column attempt integer not null default 0 check (attempt >= 0),
    -- It went another way than through the provider, as an administrator says.
    add column otherwise boolean not null default false;

-- How much of `refunded` that was. What the provider's charge shows is the rest.
alter table payments add column refunded_otherwise bigint not null default 0 check (refunded_otherwise >= 0);

-- As in 0015; and what went another way is made when it is written down, and says so.
create or replace function note_refund() returns trigger language plpgsql as $$
declare
    line record;
begin
    if new.status = 'succeeded' and (tg_op = 'UPDATE' or new.otherwise) then
        -- In id order, as everybody locks stock.
        for line in
            select * from jsonb_to_recordset(new.returns) as l (product_id uuid, quantity integer) order by product_id
        loop
            update order_items set returned = returned + line.quantity
            where order_id = new.order_id and product_id = line.product_id;
            update inventory set available = available + line.quantity where product_id = line.product_id;
        end loop;
    end if;
    insert into order_history (order_id, event, actor, amount, note)
    values (
        new.order_id, 'refund_' || new.status, new.actor, new.amount,
        case when new.otherwise then 'by other means' else new.refund_id end
    );
    return null;
end
$$;

grant update (attempt) on refunds to millrace_app;
