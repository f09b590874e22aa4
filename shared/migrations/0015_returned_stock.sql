-- What comes back with a refund returns into stock here, in the transaction that writes the refund down: as a part of
-- checkout.settle its list made Postgres expect hundreds of rows, and read all of the inventory at every charge.
create or replace function note_refund() returns trigger language plpgsql as $$
declare
    line record;
begin
    if tg_op = 'UPDATE' and new.status = 'succeeded' then
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
    values (new.order_id, 'refund_' || new.status, new.actor, new.amount, new.refund_id);
    return null;
end
$$;

-- A customer's orders are few: orders_idempotency_key finds them, and writing one index less is cheaper.
drop index orders_user;
