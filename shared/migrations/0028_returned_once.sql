-- As in 0023; and no more comes back than is left of the order. A refund that wanted more was made at the provider, could
-- never be written down, and stayed pending.
create or replace function note_refund() returns trigger language plpgsql as $$
declare
    line record;
begin
    if new.status = 'succeeded' and (tg_op = 'UPDATE' or new.otherwise) then
        -- In id order, as everybody locks stock.
        for line in
            select l.product_id, least(l.quantity, order_items.quantity - order_items.returned) as quantity
            from jsonb_to_recordset(new.returns) as l (product_id uuid, quantity integer)
            join order_items on order_items.order_id = new.order_id and order_items.product_id = l.product_id
            order by l.product_id
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
